// Hot path. Which turn of the event loop it is. Promise: the time of this turn's first socket event and
// of the one before it are known; it costs one setImmediate per turn with traffic, and nothing without.

import type { Clock } from './clock.ts';

export class Turns {
  readonly #clock: Clock;
  #isRunning = false;
  #count = 0;
  #startedAt = 0;
  #previousStartedAt = 0;
  #latestAt = 0;
  readonly #end = (): void => {
    this.#isRunning = false;
  };

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A socket has data; returns the instant (monotonic ms). The first call of a turn begins it. */
  event(): number {
    const now = this.#clock.now();
    this.#latestAt = now;
    if (this.#isRunning) return now;
    this.#isRunning = true;
    this.#count += 1;
    this.#previousStartedAt = this.#startedAt;
    this.#startedAt = now;
    setImmediate(this.#end);
    return now;
  }

  /** Turns so far in which a socket had data. */
  get count(): number {
    return this.#count;
  }

  /**
   * When the turn before this one began, monotonic ms. What is read in this turn could not be read
   * then, so it has come since: the time that the process itself took is not in it.
   */
  get previousStartedAt(): number {
    return this.#previousStartedAt;
  }

  /** The instant of the event that is being handled; outside of any, from a timer say, the clock's. */
  now(): number {
    return this.#isRunning ? this.#latestAt : this.#clock.now();
  }
}
