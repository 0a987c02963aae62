// A holder's part in the fence. Faktory cannot check leases, but it counts its connections: what the holders
// can account for is surely theirs, and the rest may belong to one whose lease is over. Promise: what is
// reported was true from the round's beginning until the report, or is too few. Pure.
//
//   arm: every holder begins to watch the fewest connections that it has, and says so.
//   sample: all of them watch; each asks Faktory for its count, waits until closes on their way have
//   arrived, and reports. The earliest count is the sample: each has watched past its own, so past it.

import type { FencePhase, FenceReport } from './lease.ts';

export class FenceWatch {
  /** Connections that Faktory surely counts for this bouncer: its own, and those trusted since it is open. */
  #open = 0;
  /** The bouncer's own connection: another number for each one. 0: there is none. */
  #own = 0;
  #ownBefore = 0;
  #armed = 0;
  #armedOwn = 0;
  #least = 0;
  /** `asked`: Faktory's count is on its way. */
  #sample: 'none' | 'asked' | FenceReport = 'none';

  /** The round since whose beginning the connections are watched; 0: none. */
  get armed(): number {
    return this.#armed;
  }

  /** What is to be told; null: nothing yet. */
  get report(): FenceReport | null {
    return typeof this.#sample === 'string' ? null : this.#sample;
  }

  /** A connection is open; the result is its trust, to be handed in again. */
  opened(): number {
    return this.answered(0);
  }

  /**
   * Faktory has answered on a connection with `trust`; the result is its trust now. Where the bouncer's
   * own connection is another one, Faktory may have dropped the older ones without a word as well:
   * they count again once it has answered on them.
   */
  answered(trust: number): number {
    if (trust === this.#own) return trust;
    if (this.#own !== 0) this.#open += 1;
    return this.#own;
  }

  /** A connection with `trust` is over, or Faktory is asked to close it. */
  closed(trust: number): void {
    if (trust === 0 || trust !== this.#own) return;
    this.#open -= 1;
    this.#least = Math.min(this.#least, this.#open);
  }

  ownOpened(): void {
    this.#ownBefore += 1;
    this.#own = this.#ownBefore;
    this.#open = 1;
  }

  ownLost(): void {
    this.#own = 0;
    this.#open = 0;
    this.#least = 0;
  }

  /** The bouncer's own connection; another number for each one, 0 for none. */
  get own(): number {
    return this.#own;
  }

  /** Redis has told of a round. `arm`, `ask`: that is to be said at once; Faktory's count is to be had. */
  hears(round: number, phase: FencePhase): 'nothing' | 'arm' | 'ask' {
    if (phase === 'none') return 'nothing';
    if (round !== this.#armed) {
      this.#armed = round;
      this.#armedOwn = this.#own;
      this.#least = this.#open;
      // One that comes late to a round takes no part in it.
      this.#sample = phase === 'arm' ? 'none' : 'asked';
      return phase === 'arm' ? 'arm' : 'nothing';
    }
    if (phase === 'arm' || this.#sample !== 'none') return 'nothing';
    this.#sample = 'asked';
    return 'ask';
  }

  /** Faktory's count for `round`, settleMs after it came; null: it could not be had. */
  counted(round: number, count: number | null): void {
    if (round !== this.#armed || this.#sample !== 'asked') return;
    // Faktory may have dropped connections without a word if it was out of reach meanwhile: only the
    // bouncer's own, which has answered before and after, shows that it was not.
    const isProven = count !== null && this.#own !== 0 && this.#own === this.#armedOwn;
    this.#sample = { round, least: isProven ? this.#least : 0, count: count ?? -1 };
  }

  /** Redis has been told. */
  told(report: FenceReport): void {
    if (this.#sample === report) this.#sample = 'asked';
  }

  /** What was watched belongs to a lease that is over. */
  reset(): void {
    this.#armed = 0;
    this.#sample = 'none';
  }
}
