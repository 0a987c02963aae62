// How admission ends for a client, and why it refuses one: closed sets, for metrics and logs alike.

import type { Refusal } from '../protocol/error-texts.ts';

/** `lost`: neither the client nor a limit ended it, but the loss of its lane, a defect or the end of a drain. */
export const ADMISSION_OUTCOMES = ['admitted', 'timed_out', 'hung_up', 'refused', 'lost'] as const;
export type AdmissionOutcome = (typeof ADMISSION_OUTCOMES)[number];

/** Which limit refused a client, or what else. */
export const REFUSAL_REASONS = [
  'clients',
  'handshakes',
  'server_connections',
  'per_worker',
  'per_address',
  'waiting_line',
  'unreachable',
  'draining',
  'connection_rate',
  'address_denied',
] as const satisfies readonly Refusal['reason'][];
export type RefusalReason = Refusal['reason'];
