// A connection to Redis for what asks it one thing now and then. Promise: it dials only when it is asked for,
// one connection at a time; a connection that was given up gives no more answers.

import type { Cluster, Redis } from 'ioredis';

export class RedisClient<Connection extends Redis | Cluster = Redis> {
  readonly #open: () => Connection;
  #redis: Connection | null = null;
  #firstError: Error | null = null;

  /** `open` makes a connection that dials nothing yet; see redis-connections.ts. */
  constructor(open: () => Connection) {
    this.#open = open;
  }

  /** The first thing that went wrong since the last ready(): what is rejected often says less. */
  get firstError(): Error | null {
    return this.#firstError;
  }

  /** The connection, dialled if there is none; rejects when that fails. */
  async ready(): Promise<Connection> {
    this.#firstError = null;
    const open = this.#redis;
    if (open?.status === 'ready') return open;
    open?.disconnect();
    const redis = this.#open();
    redis.on('error', (error) => {
      if (redis === this.#redis) this.#firstError ??= error;
    });
    this.#redis = redis;
    await redis.connect();
    return redis;
  }

  /** Gives the connection up; outstanding questions are rejected. */
  disconnect(): void {
    this.#redis?.disconnect();
    this.#redis = null;
  }
}
