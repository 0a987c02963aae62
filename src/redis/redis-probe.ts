// Asks the Redis behind Faktory for INFO now and then. Promise: at most one connection, one dial
// and one INFO per interval, and none of it ever fails loudly or keeps the process alive; while
// Redis does not answer, `info` is null. Node's timers directly: a probe decides nothing, so no test
// needs to move its time.

import { parseRedisAddress } from './redis-address.ts';
import { RedisClient } from './redis-client.ts';
import { redisConnection } from './redis-connections.ts';
import { parseRedisInfo, type RedisInfo } from './redis-info.ts';

/** For a dial, and for an answer. */
const TIMEOUT_MS = 2000;

/** The two methods that are needed of a log. */
export interface ProbeLog {
  info(fields: object, text: string): void;
  warn(fields: object, text: string): void;
}

export interface RedisProbeOptions {
  readonly url: string;
  /** Asked before each wait. */
  readonly intervalMs: () => number;
  readonly log: ProbeLog;
  /** Called after each poll, answered or not. */
  readonly onPoll?: () => void;
}

export class RedisProbe {
  readonly #options: RedisProbeOptions;
  readonly #shown: string;
  readonly #redis: RedisClient;
  #timer: NodeJS.Timeout | null = null;
  #polling = false;
  #info: RedisInfo | null = null;
  /** Whether the last poll was answered; null before the first, so that either end is logged. */
  #answered: boolean | null = null;

  /** Throws when the URL cannot be read; dials nothing yet. */
  constructor(options: RedisProbeOptions) {
    const address = parseRedisAddress(options.url);
    this.#options = options;
    this.#shown = address.shown;
    this.#redis = new RedisClient(() => redisConnection(address.dial, TIMEOUT_MS));
  }

  /** Redis's last INFO; null while it does not answer. */
  get info(): RedisInfo | null {
    return this.#info;
  }

  /** Polls now and then at each interval. */
  start(): void {
    if (this.#timer !== null) return;
    this.#tick();
  }

  /** The interval may be another: the next poll is that far away. */
  settingsChanged(): void {
    if (this.#timer === null) return;
    clearTimeout(this.#timer);
    this.#schedule();
  }

  /** Closes the connection; a poll under way ends without a word. */
  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#info = null;
    this.#redis.disconnect();
  }

  #tick(): void {
    this.#schedule();
    void this.#poll();
  }

  #schedule(): void {
    this.#timer = setTimeout(() => this.#tick(), this.#options.intervalMs());
    this.#timer.unref();
  }

  async #poll(): Promise<void> {
    if (this.#polling) return;
    this.#polling = true;
    try {
      const redis = await this.#redis.ready();
      this.#took(parseRedisInfo(await redis.info()));
    } catch (error) {
      // A connection that did not answer in time may answer the wrong question later.
      this.#redis.disconnect();
      this.#failed(this.#redis.firstError ?? error);
    } finally {
      this.#polling = false;
    }
    this.#options.onPoll?.();
  }

  #took(info: RedisInfo | null): void {
    if (this.#timer === null) return;
    if (info === null) throw new Error('its answer to INFO is not an INFO');
    this.#info = info;
    if (this.#answered !== true) {
      this.#options.log.info({ redis: this.#shown }, 'Redis answers INFO');
    }
    this.#answered = true;
  }

  #failed(error: unknown): void {
    if (this.#timer === null) return;
    this.#info = null;
    if (this.#answered !== false) {
      // The text only: the error object of a failed AUTH carries the password as its argument.
      const reason = error instanceof Error ? error.message : 'unknown error';
      this.#options.log.warn(
        { redis: this.#shown, reason },
        'Cannot read INFO from Redis: its metrics are absent until it answers; check redis.url',
      );
    }
    this.#answered = false;
  }
}
