// A connection to Redis for a probe that asks it one thing now and then. Promise: it dials only when it is
// asked for, one connection at a time; it repeats and queues nothing; a connection that was given up
// gives no more answers.

import { Redis } from 'ioredis';
import type { RedisAddress } from './redis-address.ts';

/** How long a connection that was given up may take to close before it is cut off. */
const CLOSE_MS = 100;

export class RedisClient {
  readonly #dial: RedisAddress['dial'];
  readonly #timeoutMs: number;
  #redis: Redis | null = null;
  #firstError: Error | null = null;

  /** Dials nothing yet. A dial, and an answer, may take `timeoutMs` each. */
  constructor(dial: RedisAddress['dial'], timeoutMs: number) {
    this.#dial = dial;
    this.#timeoutMs = timeoutMs;
  }

  /** The first thing that went wrong since the last ready(): what is rejected often says less. */
  get firstError(): Error | null {
    return this.#firstError;
  }

  /** The connection, dialled if there is none; rejects when that fails. */
  async ready(): Promise<Redis> {
    this.#firstError = null;
    const open = this.#redis;
    if (open?.status === 'ready') return open;
    open?.disconnect();
    const redis = this.#connection();
    this.#redis = redis;
    await redis.connect();
    return redis;
  }

  /** Gives the connection up; outstanding questions are rejected. */
  disconnect(): void {
    this.#redis?.disconnect();
    this.#redis = null;
  }

  #connection(): Redis {
    const redis = new Redis({
      ...this.#dial,
      lazyConnect: true,
      connectTimeout: this.#timeoutMs,
      commandTimeout: this.#timeoutMs,
      disconnectTimeout: CLOSE_MS,
      // The probe asks again: one dial for each question, however long Redis is away.
      retryStrategy: () => null,
      maxRetriesPerRequest: 0,
      enableOfflineQueue: false,
      enableReadyCheck: false,
      disableClientInfo: true,
      // RESP2 is spoken by every Redis; ioredis 6 would send HELLO 3.
      protocol: 2,
    });
    redis.on('error', (error) => {
      if (redis === this.#redis) this.#firstError ??= error;
    });
    return redis;
  }
}
