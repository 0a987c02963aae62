// Waiting for a condition that nobody announces. Promise: the process stays alive meanwhile.

import type { Clock } from './clock.ts';

const POLL_INTERVAL_MS = 20;

/** Resolves when `holds` does, or at `deadline` (monotonic ms of `clock`). */
export function pollUntil(clock: Clock, holds: () => boolean, deadline: number): Promise<void> {
  return new Promise((resolve) => {
    const poll = setInterval(() => {
      if (!holds() && clock.now() < deadline) return;
      clearInterval(poll);
      resolve();
    }, POLL_INTERVAL_MS);
  });
}
