// What a shared limit counts.

import { CountBy } from '../base/counters.ts';

/** Who lends: the Redis of several bouncers, or the parent of the processes of one. */
export const LENDERS = ['redis', 'parent'] as const;
export type LenderName = (typeof LENDERS)[number];

/** What became of a request to the lender; `lost`: it is not known whether it has heard. */
export const LEASE_OUTCOMES = ['held', 'unknown', 'stale', 'left', 'lost'] as const;
export type LeaseOutcome = (typeof LEASE_OUTCOMES)[number];

/** `starting`: nothing is leased yet. `fallback`: the lender has not answered for too long. */
export const HOLDER_STATES = ['starting', 'leased', 'fallback'] as const;
export type HolderState = (typeof HOLDER_STATES)[number];

export class SharingCounts {
  readonly requests = new CountBy(LEASE_OUTCOMES);
  /** Times that the lease was over because the lender did not answer. */
  readonly fallbacks = { total: 0 };
}
