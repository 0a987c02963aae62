// Equal deadlines on one timer. Promise: each entry that has not been cancelled is told once, in order,
// when its delay is over, also behind one whose telling throws; ten thousand entries cost one timer.
// Where the delay is shortened, those added later wait for those added before.

import type { Clock, Timer } from './clock.ts';
import { Line, type Seat } from './line.ts';

/** A deadline that was set; cancelling twice, or after it was told, is harmless. */
export interface Deadline {
  cancel(): void;
}

/** For what may take as long as it takes. */
export const NO_DEADLINE: Deadline = { cancel: () => {} };

class Entry<T> implements Deadline {
  readonly value: T;
  readonly dueAt: number;
  /** Owned by Deadlines. */
  seat: Seat<Entry<T>> | null = null;

  constructor(value: T, dueAt: number) {
    this.value = value;
    this.dueAt = dueAt;
  }

  cancel(): void {
    this.seat?.leave();
  }
}

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

  /** Sets the deadline for `value`, from `now` (monotonic ms) on: the clock's, if the caller has read it. */
  add(value: T, now: number = this.#clock.now()): Deadline {
    const delayMs = this.#delayMs();
    const entry = new Entry(value, now + delayMs);
    entry.seat = this.#entries.join(entry);
    if (this.#timer === null) this.#arm(delayMs);
    return entry;
  }

  /** A timer that finds its entry cancelled just looks at the next one, so cancelling is free. */
  #arm(ms: number): void {
    this.#timer = this.#clock.after(Math.ceil(ms), () => {
      const now = this.#clock.now();
      try {
        this.#tellDue(now);
      } finally {
        // Only now: an add() from within must not arm for itself while an earlier one is due first.
        this.#timer = null;
        const first = this.#entries.first;
        if (first !== undefined) this.#arm(Math.max(0, first.dueAt - now));
      }
    });
  }

  #tellDue(now: number): void {
    let first = this.#entries.first;
    while (first !== undefined && first.dueAt <= now) {
      this.#entries.shift();
      this.#expired(first.value);
      first = this.#entries.first;
    }
  }
}
