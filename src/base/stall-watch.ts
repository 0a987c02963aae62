// Written bytes that a peer does not take. Promise: a connection whose peer leaves written bytes untaken
// for the timeout is told so, however little the peer takes or sends meanwhile; one timer serves all
// connections, and none runs while nothing is untaken.

import type { Clock, Timer } from './clock.ts';

/** A connection whose writes are watched. */
export interface Watched {
  /** Bytes written since the connection began. */
  readonly written: number;
  /** Of those, the bytes that the network has not taken. */
  readonly untaken: number;
  /** Bytes have stayed untaken for the timeout. */
  stalled(): void;
}

/** All bytes up to `upTo` were written at `at` (monotonic ms) or before. */
interface Mark {
  readonly upTo: number;
  readonly at: number;
}

/** Looks per timeout: a stall is seen late by a tenth of the timeout at most. */
const LOOKS_PER_TIMEOUT = 20;
const LOOK_INTERVAL_MAX_MS = 1000;
const LOOK_INTERVAL_MIN_MS = 1;

export class StallWatch {
  readonly #clock: Clock;
  readonly #timeoutMs: () => number;
  /** Oldest mark first. */
  readonly #marks = new Map<Watched, Mark[]>();
  #timer: Timer | null = null;

  /** `timeoutMs` is asked at each look; 0: no bound. */
  constructor(clock: Clock, timeoutMs: () => number) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
  }

  /** Connections with untaken bytes, as of the last look. */
  get size(): number {
    return this.#marks.size;
  }

  /** `connection` has untaken bytes. Harmless for one that is watched. */
  watch(connection: Watched): void {
    if (this.#marks.has(connection)) return;
    this.#marks.set(connection, [{ upTo: connection.written, at: this.#clock.now() }]);
    this.#arm();
  }

  /** `connection` is over. */
  forget(connection: Watched): void {
    this.#marks.delete(connection);
  }

  #arm(): void {
    if (this.#timer !== null || this.#marks.size === 0) return;
    const timeoutMs = this.#timeoutMs();
    const intervalMs =
      timeoutMs === 0
        ? LOOK_INTERVAL_MAX_MS
        : Math.min(LOOK_INTERVAL_MAX_MS, timeoutMs / LOOKS_PER_TIMEOUT);
    this.#timer = this.#clock.after(Math.max(LOOK_INTERVAL_MIN_MS, intervalMs), () => {
      this.#timer = null;
      this.#look();
      this.#arm();
    });
  }

  #look(): void {
    const now = this.#clock.now();
    const timeoutMs = this.#timeoutMs();
    for (const [connection, marks] of this.#marks) {
      const { written, untaken } = connection;
      const taken = written - untaken;
      while (marks[0] !== undefined && marks[0].upTo <= taken) marks.shift();
      if (untaken === 0) {
        this.#marks.delete(connection);
        continue;
      }
      const oldest = marks[0];
      if (timeoutMs > 0 && oldest !== undefined && now - oldest.at >= timeoutMs) {
        this.#marks.delete(connection);
        connection.stalled();
        continue;
      }
      // With no bound one mark is enough, so that the list cannot grow.
      const latest = marks.at(-1);
      if (latest === undefined || (latest.upTo < written && timeoutMs > 0)) {
        marks.push({ upTo: written, at: now });
      }
    }
  }
}
