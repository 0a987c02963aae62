// Waiting for time to pass, or for a condition that sends no event. Promise: time passes by the given
// clock alone. The clock's timers do not keep the process alive: what is waited for does, or the admin port.

import type { Clock } from './clock.ts';

const POLL_INTERVAL_MS = 20;

/** Resolves after `ms` milliseconds. */
export function sleep(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => void clock.after(ms, resolve));
}

/** Resolves when `holds` does, or at `deadline` (monotonic ms of `clock`). */
export function pollUntil(clock: Clock, holds: () => boolean, deadline: number): Promise<void> {
  return new Promise((resolve) => {
    const poll = (): void => {
      if (holds() || clock.now() >= deadline) resolve();
      else clock.after(POLL_INTERVAL_MS, poll);
    };
    poll();
  });
}
