// How often something may happen for each key: commands of an address, say. Promise: a key gets no more
// than its rate over time, and a burst of at most five seconds' worth; what is kept is one number for
// each key, for a bounded number of keys; the key that was used longest ago is forgotten first.

/** How much of its rate a key that has been quiet may use at once; ms. */
export const BURST_MS = 5000;

/**
 * A bucket of tokens as one instant: when it will be full again, monotonic ms. The next such instant
 * after one more token at `now`, or null if the bucket is empty. `perSecond`: tokens that flow in.
 */
export function afterToken(fullAt: number, now: number, perSecond: number): number | null {
  const next = Math.max(fullAt, now) + 1000 / perSecond;
  // A bucket holds one token at least, however low the rate.
  const holdsMs = Math.max(BURST_MS, 1000 / perSecond);
  return next - now > holdsMs ? null : next;
}

export class RateTable {
  readonly #fullAt = new Map<string, number>();
  readonly #keysMax: number;

  constructor(keysMax: number) {
    this.#keysMax = keysMax;
  }

  /** Keys that are remembered. */
  get size(): number {
    return this.#fullAt.size;
  }

  /** Whether `key` has a token at `now` (monotonic ms); a rate of 0 is none. */
  has(key: string, now: number, perSecond: number): boolean {
    if (perSecond === 0) return true;
    return afterToken(this.#fullAt.get(key) ?? now, now, perSecond) !== null;
  }

  /** Takes a token of `key` if there is one. */
  take(key: string, now: number, perSecond: number): boolean {
    if (perSecond === 0) return true;
    const before = this.#fullAt.get(key);
    const next = afterToken(before ?? now, now, perSecond);
    if (next === null) return false;
    // A key that is written again goes to the end of the map's order.
    if (before !== undefined) this.#fullAt.delete(key);
    else if (this.#fullAt.size >= this.#keysMax) this.#forgetOldest();
    this.#fullAt.set(key, next);
    return true;
  }

  #forgetOldest(): void {
    for (const key of this.#fullAt.keys()) {
      this.#fullAt.delete(key);
      return;
    }
  }
}
