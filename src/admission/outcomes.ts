// How admission ends for a client, and why it refuses one: closed sets, for metrics and logs alike.

export const ADMISSION_OUTCOMES = ['admitted', 'timed_out', 'hung_up', 'refused'] as const;
export type AdmissionOutcome = (typeof ADMISSION_OUTCOMES)[number];

/** Which limit refused a client. */
export const REFUSAL_REASONS = [
  'clients',
  'handshakes',
  'server_connections',
  'per_worker',
  'per_address',
  'waiting_line',
  'unreachable',
  'draining',
] as const;
export type RefusalReason = (typeof REFUSAL_REASONS)[number];
