// Addresses from which wrong passwords come. Promise: an address is slowed once it has failed ten times
// and goes on failing more often than twice a second, and no longer than its failures last; no more than
// a bounded number of addresses is remembered.

import { RateTable } from './rate-table.ts';

/** With bursts of five seconds' worth: ten. */
const FAILURES_PER_SECOND = 2;
const ADDRESSES_MAX = 10_000;

export class FailedLogins {
  readonly #failures = new RateTable(ADDRESSES_MAX);

  /** A login from `address` has failed at `now` (monotonic ms). */
  failed(address: string, now: number): void {
    this.#failures.take(address, now, FAILURES_PER_SECOND);
  }

  isSlowed(address: string, now: number): boolean {
    return !this.#failures.has(address, now, FAILURES_PER_SECOND);
  }
}
