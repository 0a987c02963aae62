// What is counted before the protocol begins.

import { CountBy } from '../base/counters.ts';

export const HANDSHAKE_RESULTS = ['full', 'resumed', 'failed'] as const;

export class TransportCounts {
  /** TLS handshakes with clients. */
  readonly handshakes = new CountBy(HANDSHAKE_RESULTS);
}
