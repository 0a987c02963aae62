// Time that stands still until a test moves it. Promise: due timers fire in the order of their
// instants, and at the same instant in the order in which they were set.

import type { Clock, Timer } from '../../src/base/clock.ts';

interface SetTimer {
  readonly dueAt: number;
  readonly act: () => void;
}

export class FakeClock implements Clock {
  /** Gets what a timer throws, where a real process would die of it. */
  onUncaught: (error: unknown) => void = (error) => {
    throw error;
  };
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

  /** Moves time on; each timer that becomes due meanwhile fires at its own instant. How many fired. */
  advance(ms: number): number {
    const target = this.#now + ms;
    const fired = this.#fire(target, true);
    this.#now = target;
    return fired;
  }

  /** Time is suddenly later, as after a stopped process goes on: what was due meanwhile fires now. */
  leap(ms: number): number {
    this.#now += ms;
    return this.#fire(this.#now, false);
  }

  /** Moves time on to the next timer, at most by `mostMs`. How many fired. */
  advanceToNext(mostMs: number): number {
    let next = this.#now + mostMs;
    for (const { dueAt } of this.#timers) if (dueAt < next) next = dueAt;
    return this.advance(Math.max(0, next - this.#now));
  }

  /** Moves by itself from now on, a millisecond a turn of the event loop. Returns what stops it. */
  run(): () => void {
    const running = setInterval(() => this.advance(1), 1);
    return () => clearInterval(running);
  }

  #fire(target: number, each: boolean): number {
    let fired = 0;
    for (let next = this.#nextBy(target); next !== null; next = this.#nextBy(target)) {
      this.#timers.delete(next);
      if (each) this.#now = Math.max(this.#now, next.dueAt);
      fired += 1;
      try {
        next.act();
      } catch (error) {
        this.onUncaught(error);
      }
    }
    return fired;
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
