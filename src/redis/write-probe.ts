// Asks Faktory's Redis, again and again, whether it takes writes. Promise: the question changes nothing
// there, and is refused exactly when the LPUSH of a job is; one connection, one question at a time;
// the listener hears the answer to each, or that none came in time.
//
// LPUSHX to a key that does not exist does nothing and answers 0. Redis checks it as it checks LPUSH
// (both are flagged "write denyoom"): for memory, for disk errors, for replicas, for being one.

import { ReplyError } from 'ioredis';
import type { Clock, Timer } from '../base/clock.ts';
import { redisTrouble, shortReason } from '../protocol/redis-errors.ts';
import { parseRedisAddress, type RedisAddress } from './redis-address.ts';
import { RedisClient } from './redis-client.ts';
import { redisConnection } from './redis-connections.ts';

/** No queue can have this name: Faktory allows letters, digits, `.`, `_` and `-`. */
export const PROBE_KEY = 'faktory-bouncer:write-probe';

/** How often Redis is asked, counted from an answer to the next question. */
const INTERVAL_MS = 250;
/** An answer that takes longer, its dial included, has not come. */
const ANSWER_MS = 1000;
/** For what this file does not time itself. */
const BACKSTOP_MS = 10_000;

export type WriteState =
  | { readonly kind: 'accepted' }
  /** Redis's own words: one line, at most 200 characters. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** Nothing came in time, or Redis cannot be reached; or it is still loading. */
  | { readonly kind: 'silent'; readonly reason: string }
  /** Redis refuses the probe alone, for its login or its rights: nothing is known about writes. */
  | { readonly kind: 'unknown'; readonly reason: string };

export interface WriteListener {
  onWrites(state: WriteState): void;
}

export interface WriteProbeParts {
  /** As in `redis.url`. */
  readonly url: string;
  readonly clock: Clock;
  readonly listener: WriteListener;
  /** The listener has thrown. */
  readonly onBug: (error: unknown) => void;
  /** Milliseconds. */
  readonly intervalMs?: number;
}

/** Each is an object of its own, so that a late answer is told from the next one's. */
interface Question {
  readonly deadline: Timer;
}

export class WriteProbe {
  readonly #clock: Clock;
  readonly #listener: WriteListener;
  readonly #onBug: (error: unknown) => void;
  readonly #intervalMs: number;
  readonly #redis: RedisClient;
  /** Where Redis is, without user and password. */
  readonly shown: RedisAddress['shown'];
  /** The question under way; an answer to any other is too late. */
  #question: Question | null = null;
  #next: Timer | null = null;
  #isRunning = false;

  /** Throws when the URL cannot be read; dials nothing yet. */
  constructor({ url, clock, listener, onBug, intervalMs = INTERVAL_MS }: WriteProbeParts) {
    const address = parseRedisAddress(url);
    this.shown = address.shown;
    this.#clock = clock;
    this.#listener = listener;
    this.#onBug = onBug;
    this.#intervalMs = intervalMs;
    this.#redis = new RedisClient(() => redisConnection(address.dial, BACKSTOP_MS));
  }

  /** Asks now, and goes on until stop(). */
  start(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    void this.#ask();
  }

  /** Closes the connection; nothing is reported any more. */
  stop(): void {
    this.#isRunning = false;
    this.#question?.deadline.cancel();
    this.#question = null;
    this.#next?.cancel();
    this.#redis.disconnect();
  }

  async #ask(): Promise<void> {
    const deadline = this.#clock.after(ANSWER_MS, () => {
      this.#redis.disconnect();
      this.#answered(question, { kind: 'silent', reason: `no answer within ${ANSWER_MS} ms` });
    });
    const question = { deadline };
    this.#question = question;
    const state = await this.#outcome(question);
    if (state !== null) this.#answered(question, state);
  }

  /** What Redis says to the question; null if that comes too late. */
  async #outcome(question: Question): Promise<WriteState | null> {
    try {
      const redis = await this.#redis.ready();
      if (question !== this.#question) return null;
      await redis.lpushx(PROBE_KEY, '');
      return { kind: 'accepted' };
    } catch (error) {
      if (question !== this.#question) return null;
      const state = stateOf(this.#redis.firstError ?? error);
      // Only a connection that Redis has spoken its mind on is worth keeping.
      if (state.kind === 'silent' || state.kind === 'unknown') this.#redis.disconnect();
      return state;
    }
  }

  #answered(question: Question, state: WriteState): void {
    if (question !== this.#question) return;
    question.deadline.cancel();
    this.#question = null;
    this.#next = this.#clock.after(this.#intervalMs, () => void this.#ask());
    try {
      this.#listener.onWrites(state);
    } catch (error) {
      this.#onBug(error);
    }
  }
}

function stateOf(error: unknown): WriteState {
  const text = error instanceof Error ? error.message : String(error);
  if (!(error instanceof ReplyError)) return { kind: 'silent', reason: shortReason(text) };
  // The command was let through: another program has made the key.
  if (text.startsWith('WRONGTYPE ')) return { kind: 'accepted' };
  return redisTrouble(text) ?? { kind: 'unknown', reason: shortReason(text) };
}
