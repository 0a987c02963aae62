// Where a client connection can be, and why it can end: closed sets, for metrics and logs alike.

export const CLIENT_STATES = [
  'accepted',
  'handshake',
  'authenticating',
  'waiting',
  'opening',
  'unplaced',
  'open',
  'refusing',
  'refused',
  'closing',
] as const;
/** The one list that a client connection is in. */
export type ClientState = (typeof CLIENT_STATES)[number];

/** Why a client connection ended; each end has exactly one. */
export const CLIENT_END_REASONS = [
  'client_closed',
  'client_reset',
  'end_command',
  'refused',
  'handshake_timeout',
  'bad_hello',
  'invalid_password',
  'command_too_long',
  'server_lost',
  'outcome_unknown',
  'worker_expired',
  'write_stalled',
  'read_stalled',
  'reclaimed',
  'idle_timeout',
  'evicted',
  'disconnected',
  'drained',
  'drain_timeout',
  'bug',
] as const;
export type ClientEndReason = (typeof CLIENT_END_REASONS)[number];
