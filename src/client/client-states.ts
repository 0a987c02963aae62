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
  'proxy_header_invalid',
  'proxy_header_missing',
  'proxy_untrusted',
  'proxy_not_expected',
  'tls_required',
  'tls_not_offered',
  'tls_certificate_refused',
  'tls_failed',
  'handshake_timeout',
  'bad_hello',
  'invalid_password',
  'command_too_long',
  'server_lost',
  'outcome_unknown',
  'worker_expired',
  'write_stalled',
  'read_stalled',
  'replies_untaken',
  'reclaimed',
  'idle_timeout',
  'evicted',
  'disconnected',
  'drained',
  'drain_timeout',
  'bug',
] as const;
export type ClientEndReason = (typeof CLIENT_END_REASONS)[number];

/** The client, or what stands before the bouncer, is set up in another way than the bouncer. */
export const MISMATCHES: ReadonlySet<ClientEndReason> = new Set<ClientEndReason>([
  'proxy_header_invalid',
  'proxy_header_missing',
  'proxy_untrusted',
  'proxy_not_expected',
  'tls_required',
  'tls_not_offered',
  'tls_certificate_refused',
  'tls_failed',
]);
