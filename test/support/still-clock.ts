// A clock that stands still, with real timers. Promise: everything takes no time, so that what is decided
// by measured time is decided alike on a busy machine.

import type { Clock, Timer } from '../../src/base/clock.ts';

export class StillClock implements Clock {
  now(): number {
    return 0;
  }

  wallMs(): number {
    return Date.now();
  }

  idleMs(): number {
    return 0;
  }

  after(ms: number, act: () => void): Timer {
    const handle = setTimeout(act, ms);
    handle.unref();
    return { cancel: () => clearTimeout(handle) };
  }
}
