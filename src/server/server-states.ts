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

/** Why a server connection dials. */
export const DIAL_REASONS = [
  /** For a client, a worker or the command lane, which had none. */
  'first',
  /** One more beside those that are there. */
  'growth',
  /** After a dial that failed, or a connection that was lost. */
  'redial',
  /** For the bouncer itself. */
  'control',
] as const;
export type DialReason = (typeof DIAL_REASONS)[number];

/** Why TLS with Faktory failed; what an operator has to change differs from one to the next. */
export const TLS_FAILURE_REASONS = [
  'tls_certificate_expired',
  'tls_name_mismatch',
  'tls_unknown_ca',
  'tls_certificate_refused',
  'tls_not_spoken',
  'tls_failed',
] as const;
export type TlsFailureReason = (typeof TLS_FAILURE_REASONS)[number];

/** Why a server connection ended; each end has exactly one. */
export const SERVER_END_REASONS = [
  'client_gone',
  'idle',
  'yielded',
  'server_closed',
  'server_reset',
  'server_shutdown',
  'connect_failed',
  'out_of_local_ports',
  'out_of_open_files',
  'name_not_resolved',
  ...TLS_FAILURE_REASONS,
  'connect_timeout',
  'handshake_failed',
  'handshake_timeout',
  'protocol_error',
  'write_stalled',
  'unanswered',
  'stopped',
  'bug',
] as const;
export type ServerEndReason = (typeof SERVER_END_REASONS)[number];

/** Why a dial failed. */
export interface DialFailure {
  readonly reason: ServerEndReason;
  /** The system's word, ECONNREFUSED say; null if the system has not failed. */
  readonly errno: string | null;
}

/** What the machine that the bouncer runs on could not do: it tells nothing of Faktory. */
export const MACHINE_FAILURES: ReadonlySet<ServerEndReason> = new Set<ServerEndReason>([
  'out_of_local_ports',
  'out_of_open_files',
  'name_not_resolved',
]);

/** TLS stands between the bouncer and a server that is there. */
export const TLS_FAILURES: ReadonlySet<ServerEndReason> = new Set<ServerEndReason>(
  TLS_FAILURE_REASONS,
);
