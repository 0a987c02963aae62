// Whether Faktory's +OK means that a job is stored. Promise: pure over `now` and what was seen; it is
// sound until there is a reason not to be, and again only when a write that reports its errors has
// succeeded.
//
// Faktory ignores the error of a PUSH's LPUSH and answers +OK (v1.7.0 storage/queue_redis.go Push). So
// while its Redis hangs or refuses writes, its answer to a PUSH means nothing.

import type { Live } from '../base/live.ts';
import type { RedisTrouble } from '../protocol/redis-errors.ts';

/** Whether a rule acts, only reports what it would have done, or does nothing. */
export type RuleMode = 'off' | 'log' | 'on';

/** What an operator can change about the truth of an acknowledgement. */
export interface WriteSettings {
  /** A +OK that Faktory took longer for than its Redis timeout. */
  readonly lateReply: RuleMode;
  /** Writes while Faktory or its Redis hangs. */
  readonly hang: RuleMode;
  /** Writes while Redis refuses them. */
  readonly refused: RuleMode;
  /** Time between two probes while the server is sound; 0: none then. */
  readonly probeIntervalMs: number;
}

export type WriteState =
  | { readonly kind: 'sound' }
  /** Faktory, or its Redis, has not answered for long. */
  | { readonly kind: 'suspect'; readonly since: number; readonly reason: string }
  /** Redis refuses writes. */
  | { readonly kind: 'refusing'; readonly since: number; readonly reason: string };

export const WRITE_STATES = ['sound', 'suspect', 'refusing'] as const;
export type WriteStateName = (typeof WRITE_STATES)[number];

export interface WriteHealthListener {
  /** The state has changed, at `now` (monotonic ms). */
  onWriteState(state: WriteState, now: number): void;
}

/**
 * A PUSH, ACK or FAIL at Faktory that has had no answer for so long makes the server suspect. Redis
 * takes far less; go-redis gives up on it after 3 s, and only then can a +OK be false.
 */
export const SUSPECT_AFTER_MS = 1500;
/**
 * While others are answered, the server is slow and does not hang: only where no answer has come for so
 * long is it suspect.
 */
const NO_ANSWER_MS = 1000;

export class WriteHealth {
  readonly #settings: Live<WriteSettings>;
  readonly #listeners: WriteHealthListener[] = [];
  #state: WriteState = { kind: 'sound' };
  #answers = 0;
  #answersSeen = 0;
  #answeredAt = -Infinity;

  constructor(settings: Live<WriteSettings>) {
    this.#settings = settings;
  }

  get state(): WriteState {
    return this.#state;
  }

  /** Whether a write may be sent: the server is sound, or the rule that it breaks does not act. */
  get mayWrite(): boolean {
    const { hang, refused } = this.#settings.current;
    switch (this.#state.kind) {
      case 'sound':
        return true;
      case 'suspect':
        return hang !== 'on';
      case 'refusing':
        return refused !== 'on';
    }
  }

  /** Tells `listener` each change from now on. */
  onChange(listener: WriteHealthListener): void {
    this.#listeners.push(listener);
  }

  /** Hot path. A command that uses Redis was answered before it could make the server suspect. */
  sawAnswer(): void {
    this.#answers += 1;
  }

  /** The PUSH, ACK or FAIL that has been at Faktory for longest has been there for so long. */
  sawUnanswered(now: number, oldestMs: number): void {
    if (this.#answers !== this.#answersSeen) this.#answeredAt = now;
    this.#answersSeen = this.#answers;
    if (this.#settings.current.hang === 'off') return;
    if (this.#state.kind !== 'sound' || oldestMs < SUSPECT_AFTER_MS) return;
    if (now - this.#answeredAt < NO_ANSWER_MS) return;
    const reason = `a command has had no answer for ${Math.floor(oldestMs / 100) / 10} s`;
    this.#enter({ kind: 'suspect', since: now, reason }, now);
  }

  /** A reply of Faktory, or Redis itself, tells of trouble. */
  sawTrouble(now: number, { kind, reason }: RedisTrouble): void {
    const { hang, refused } = this.#settings.current;
    if ((kind === 'refused' ? refused : hang) === 'off') return;
    if (kind === 'refused') {
      if (this.#state.kind === 'refusing') return;
      this.#enter({ kind: 'refusing', since: now, reason }, now);
    } else if (this.#state.kind === 'sound') {
      this.#enter({ kind: 'suspect', since: now, reason }, now);
    }
  }

  /** A write through Faktory that reports its errors has succeeded; it was sent at `sentAt` (monotonic ms). */
  sawWrite(now: number, sentAt: number): void {
    if (this.#state.kind === 'sound' || sentAt < this.#state.since) return;
    this.#enter({ kind: 'sound' }, now);
  }

  /** Redis itself has accepted a write: it refuses them no longer. This says nothing about Faktory. */
  sawRedisAccept(now: number): void {
    if (this.#state.kind === 'refusing') this.#enter({ kind: 'sound' }, now);
  }

  #enter(state: WriteState, now: number): void {
    this.#state = state;
    for (const listener of this.#listeners) listener.onWriteState(state, now);
  }
}
