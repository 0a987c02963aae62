// Where a server connection can be, what it is for and why it can end: closed sets, for metrics and
// logs alike.

export const SERVER_STATES = [
  'queued',
  'dialling',
  'handshake',
  'open',
  'orphaned',
  'closing',
] as const;
/** The one list that a server connection is in; `queued` holds its place but does not dial yet. */
export type ServerState = (typeof SERVER_STATES)[number];

export const LANES = ['session', 'command', 'fetch', 'probe'] as const;
/** What a server connection is for. */
export type LaneName = (typeof LANES)[number];

/** Why a server connection ended; each end has exactly one. */
export const SERVER_END_REASONS = [
  'client_gone',
  'idle',
  'yielded',
  'server_closed',
  'server_reset',
  'server_shutdown',
  'connect_failed',
  'connect_timeout',
  'handshake_failed',
  'handshake_timeout',
  'protocol_error',
  'write_stalled',
  'stopped',
  'bug',
] as const;
export type ServerEndReason = (typeof SERVER_END_REASONS)[number];
