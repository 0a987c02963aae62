// Equal deadlines on one timer. Promise: each entry that has not been cancelled is told once, in order,
// when its delay is over; ten thousand entries cost one timer. Where the delay is shortened, those
// added later wait for those added before.

import type { Clock, Timer } from './clock.ts';
import { Line, type Seat } from './line.ts';

interface Entry<T> {
  readonly value: T;
  readonly dueAt: number;
}

/** A deadline that was set; cancelling twice, or after it was told, is harmless. */
export interface Deadline {
  cancel(): void;
}

/** For what may take as long as it takes. */
export const NO_DEADLINE: Deadline = { cancel: () => {} };

export class Deadlines<T> {
  readonly #clock: Clock;
  readonly #delayMs: () => number;
  readonly #expired: (value: T) => void;
  readonly #entries = new Line<Entry<T>>();
  #timer: Timer | null = null;

  /** `delayMs` is asked for each entry. */
  constructor(clock: Clock, delayMs: () => number, expired: (value: T) => void) {
    this.#clock = clock;
    this.#delayMs = delayMs;
    this.#expired = expired;
  }

  get size(): number {
    return this.#entries.length;
  }

  /** Sets the deadline for `value`. */
  add(value: T): Deadline {
    const delayMs = this.#delayMs();
    const seat: Seat<Entry<T>> = this.#entries.join({
      value,
      dueAt: this.#clock.now() + delayMs,
    });
    if (this.#timer === null) this.#arm(delayMs);
    return { cancel: () => void seat.leave() };
  }

  /** A timer that finds its entry cancelled just looks at the next one, so cancelling is free. */
  #arm(ms: number): void {
    this.#timer = this.#clock.after(Math.ceil(ms), () => {
      const now = this.#clock.now();
      let first = this.#entries.first;
      while (first !== undefined && first.dueAt <= now) {
        this.#entries.shift();
        this.#expired(first.value);
        first = this.#entries.first;
      }
      // Only now: an add() from within must not arm for itself while an earlier one is due first.
      this.#timer = null;
      if (first !== undefined) this.#arm(first.dueAt - now);
    });
  }
}
