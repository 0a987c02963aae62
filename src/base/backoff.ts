// How long to wait before the next try. Promise: doubles from the first wait to the longest, with
// jitter, so that many that failed together do not come back together.

export interface Backoff {
  readonly firstMs: number;
  readonly longestMs: number;
}

/**
 * Milliseconds to wait after `failures` failures in a row (1 or more).
 * `random` is in [0, 1); the result lies between half the nominal wait and all of it.
 */
export function backoffMs(backoff: Backoff, failures: number, random: number): number {
  const nominal = Math.min(backoff.longestMs, backoff.firstMs * 2 ** (failures - 1));
  return nominal / 2 + (nominal / 2) * random;
}
