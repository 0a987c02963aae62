// What a shared limit counts.

import { CountBy } from '../base/counters.ts';

/** What became of a request to Redis; `lost`: it is not known whether Redis has heard. */
export const LEASE_OUTCOMES = ['held', 'unknown', 'stale', 'left', 'lost'] as const;
export type LeaseOutcome = (typeof LEASE_OUTCOMES)[number];

/** `starting`: nothing is leased yet. `fallback`: Redis has not answered for too long. */
export const HOLDER_STATES = ['starting', 'leased', 'fallback'] as const;
export type HolderState = (typeof HOLDER_STATES)[number];

export class SharingCounts {
  readonly requests = new CountBy(LEASE_OUTCOMES);
  /** Times that the lease was over because Redis did not answer. */
  readonly fallbacks = { total: 0 };
}
