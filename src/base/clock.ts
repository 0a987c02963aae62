// Time, as everything else takes it: through a constructor. Promise: monotonic milliseconds, and
// timers that never keep the process alive by themselves.

/** A timer that was set and may be called off. */
export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Monotonic milliseconds since an arbitrary start. */
  now(): number;
  /**
   * How long the event loop has had nothing to do so far, in milliseconds: what had not arrived by
   * then is not here because the loop was busy.
   */
  idleMs(): number;
  /** Milliseconds since 1970, as far as this machine knows; it may jump. */
  wallMs(): number;
  /** Calls `act` once, `ms` milliseconds from now. */
  after(ms: number, act: () => void): Timer;
}

/** The machine's own clock. */
export class SystemClock implements Clock {
  now(): number {
    return performance.now();
  }

  /** Node counts it where libuv waits for events; reading it costs 50 ns. */
  idleMs(): number {
    return performance.nodeTiming.idleTime;
  }

  wallMs(): number {
    return Date.now();
  }

  after(ms: number, act: () => void): Timer {
    const handle = setTimeout(act, ms);
    handle.unref();
    return { cancel: () => clearTimeout(handle) };
  }
}
