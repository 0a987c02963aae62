// The times of a lease, all from its expiry. Promise: what a holder opens is counted by Faktory before Redis
// holds its lease to be over, whatever happens within the margin.

export interface LeaseTiming {
  /** How long a lease lasts at Redis without being renewed. All in milliseconds. */
  readonly expiryMs: number;
  /** A holder holds its lease to be over so much sooner. */
  readonly marginMs: number;
  /** How often it renews. */
  readonly heartbeatMs: number;
  /** How soon it asks again when it has something to say or waits for something. */
  readonly soonMs: number;
  /** A request without an answer is given up. */
  readonly timeoutMs: number;
  /** How long a close may take from Faktory to the bouncer. */
  readonly settleMs: number;
  /**
   * How old the proof may be, while Redis is out of reach, that the bouncer's own connection has been
   * open all the time. Redis waits longer (lease-script.ts) before it believes that it has not.
   */
  readonly proofMs: number;
}

/**
 * The margin covers one jump of Redis's clock (a tenth of the expiry counts at most), clocks that differ
 * in speed, and the time from the decision to dial until Faktory counts the connection.
 */
export function timingOf(expiryMs: number): LeaseTiming {
  return {
    expiryMs,
    marginMs: expiryMs * 0.2,
    heartbeatMs: expiryMs * 0.1,
    soonMs: expiryMs * 0.02,
    timeoutMs: expiryMs * 0.2,
    settleMs: expiryMs * 0.05,
    proofMs: expiryMs * 0.3,
  };
}
