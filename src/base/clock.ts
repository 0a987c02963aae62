// Time, as everything else takes it: through a constructor. Promise: monotonic milliseconds, and
// timers that never keep the process alive by themselves.

/** A timer that was set and may be called off. */
export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Monotonic milliseconds since an arbitrary start. */
  now(): number;
  /** Calls `act` once, `ms` milliseconds from now. */
  after(ms: number, act: () => void): Timer;
}

/** The machine's own clock. */
export class SystemClock implements Clock {
  now(): number {
    return performance.now();
  }

  after(ms: number, act: () => void): Timer {
    const handle = setTimeout(act, ms);
    handle.unref();
    return { cancel: () => clearTimeout(handle) };
  }
}
