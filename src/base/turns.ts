// Hot path. Turns of the event loop, and since when what is read in one can have been there. Promise: a
// turn may be taken for a part of the one before it, never the other way round; it costs nothing without
// traffic, and one setImmediate per turn where the loop has no rest.

import type { Clock } from './clock.ts';

type LoopClock = Pick<Clock, 'now' | 'idleMs'>;

export class Turns {
  readonly #clock: LoopClock;
  /**
   * `marked`: a setImmediate will tell the turn's end. `unmarked`: only one event so far; the loop's
   * next rest ends the turn. `over`: the next event begins one.
   */
  #state: 'marked' | 'unmarked' | 'over' = 'over';
  #count = 0;
  #startedAt = 0;
  #idleMs = 0;
  #previousStartedAt = 0;
  #previousIdleMs = 0;
  /** Within the handler of an event, its instant. */
  #eventAt: number | null = null;
  readonly #end = (): void => {
    this.#state = 'over';
  };

  constructor(clock: LoopClock) {
    this.#clock = clock;
  }

  /** A socket has data; returns the instant (monotonic ms). handled() is due after it. */
  event(): number {
    const now = this.#clock.now();
    this.#eventAt = now;
    if (this.#state === 'marked') return now;
    const idleMs = this.#clock.idleMs();
    if (this.#state === 'unmarked' && idleMs === this.#idleMs) {
      this.#state = 'marked';
      setImmediate(this.#end);
      return now;
    }
    this.#state = 'unmarked';
    this.#count += 1;
    this.#previousStartedAt = this.#startedAt;
    this.#previousIdleMs = this.#idleMs;
    this.#startedAt = now;
    this.#idleMs = idleMs;
    return now;
  }

  /** Turns so far in which a socket had data. */
  get count(): number {
    return this.#count;
  }

  /**
   * What is read in this turn came after this instant (monotonic ms): it was not there when the turn
   * before began, nor for as long as the loop was idle since.
   */
  get notBefore(): number {
    return this.#previousStartedAt + this.#idleMs - this.#previousIdleMs;
  }

  /** The event has been handled. */
  handled(): void {
    this.#eventAt = null;
  }

  /** The instant, monotonic ms: of the event that is being handled, else the clock's. */
  now(): number {
    return this.#eventAt ?? this.#clock.now();
  }

  /** How long the loop has been idle in all, ms; it is not while an event is handled. */
  idleMs(): number {
    return this.#eventAt === null ? this.#clock.idleMs() : this.#idleMs;
  }
}
