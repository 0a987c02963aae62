// Time that stands still until a test moves it. Promise: due timers fire in the order of their
// instants, and at the same instant in the order in which they were set.

import type { Clock, Timer } from '../../src/base/clock.ts';

interface SetTimer {
  readonly dueAt: number;
  readonly act: () => void;
}

export class FakeClock implements Clock {
  #now = 0;
  readonly #timers = new Set<SetTimer>();

  now(): number {
    return this.#now;
  }

  wallMs(): number {
    return this.#now;
  }

  /** Whatever is done in a test takes no time. */
  idleMs(): number {
    return this.#now;
  }

  after(ms: number, act: () => void): Timer {
    const timer: SetTimer = { dueAt: this.#now + ms, act };
    this.#timers.add(timer);
    return { cancel: () => void this.#timers.delete(timer) };
  }

  /** Timers that are set and have not fired. */
  get timers(): number {
    return this.#timers.size;
  }

  /** Moves time on; each timer that becomes due meanwhile fires at its own instant. */
  advance(ms: number): void {
    const target = this.#now + ms;
    for (let next = this.#nextBy(target); next !== null; next = this.#nextBy(target)) {
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.dueAt);
      next.act();
    }
    this.#now = target;
  }

  /** Moves time on without telling the timers, as a long turn of the event loop does. */
  jump(ms: number): void {
    this.#now += ms;
  }

  #nextBy(instant: number): SetTimer | null {
    let next: SetTimer | null = null;
    for (const timer of this.#timers) {
      if (timer.dueAt <= instant && (next === null || timer.dueAt < next.dueAt)) next = timer;
    }
    return next;
  }
}
