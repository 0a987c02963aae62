// Time as far as this process gets to use it. Promise: on a machine that has time for the tests it is
// the machine's own; while the machine lets them stand, hardly any time passes, so that what is decided
// by time is decided alike on a busy machine.

import type { Clock, Timer } from '../../src/base/clock.ts';

/** How often the process shows that it runs. */
const TICK_MS = 5;
/** So much time passes at most between two ticks. */
const STEP_MAX_MS = 25;

export class SteadyClock implements Clock {
  #now = 0;
  #readAt = performance.now();
  #idleMs = 0;
  #idleReadAt = performance.nodeTiming.idleTime;

  constructor() {
    setInterval(() => this.#tick(), TICK_MS).unref();
  }

  now(): number {
    return this.#now + Math.min(performance.now() - this.#readAt, STEP_MAX_MS);
  }

  /** No more than the time that has passed: a process that does not get its turn is not idle. */
  idleMs(): number {
    const sinceTick = performance.nodeTiming.idleTime - this.#idleReadAt;
    return this.#idleMs + Math.min(sinceTick, this.now() - this.#now);
  }

  wallMs(): number {
    return Date.now();
  }

  after(ms: number, act: () => void): Timer {
    return this.#after(ms, act, (handle) => handle.unref());
  }

  /** As after(), and the process does not end before. */
  afterAll(ms: number, act: () => void): Timer {
    return this.#after(ms, act, () => {});
  }

  #after(ms: number, act: () => void, set: (handle: NodeJS.Timeout) => void): Timer {
    const dueAt = this.now() + ms;
    let handle: NodeJS.Timeout;
    const arm = (leftMs: number): void => {
      handle = setTimeout(() => {
        const left = dueAt - this.now();
        if (left > 0) arm(Math.ceil(left));
        else act();
      }, leftMs);
      set(handle);
    };
    arm(ms);
    return { cancel: () => clearTimeout(handle) };
  }

  #tick(): void {
    this.#idleMs = this.idleMs();
    this.#now = this.now();
    this.#readAt = performance.now();
    this.#idleReadAt = performance.nodeTiming.idleTime;
  }
}

/** The process's own: one tick serves all that waits in it. */
export const steadyClock = new SteadyClock();
