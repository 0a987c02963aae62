// Every error text that a client can read from the bouncer, in one place. Promise: one line each,
// never with anything that a client sent; a refusal starts with Faktory 1.9's own words.

import type { GuardRule } from './guard.ts';
import { FETCH_BYTES_MAX } from './guard.ts';

function errorLine(text: string): Buffer {
  return Buffer.from(`-ERR ${text}\r\n`);
}

const LIMIT_NAMES = {
  clients: 'limits.clients',
  handshakes: 'limits.handshakes',
  server_connections: 'limits.server_connections',
  per_worker: 'limits.per_worker',
  per_address: 'limits.per_address',
  waiting_line: 'waiting_line.size',
} as const;

/** The refusals that are about a limit. */
export type LimitReason = keyof typeof LIMIT_NAMES;
export const LIMIT_REASONS = Object.keys(LIMIT_NAMES) as readonly LimitReason[];

/** Why a client is refused, with what the decision rests on. */
export type Refusal =
  /** `now` of `limit` are taken. */
  | { readonly reason: LimitReason; readonly now: number; readonly limit: number }
  /** More than `limit` new connections per second. */
  | {
      readonly reason: 'connection_rate';
      readonly of: 'worker' | 'address';
      readonly limit: number;
    }
  /**
   * `login`, `tls`: it was there, and did not take the bouncer's login, or TLS did not work. `slow`: it is
   * there, and the client's connection to it was not open in time.
   */
  | { readonly reason: 'unreachable'; readonly because: 'outage' | 'login' | 'tls' | 'slow' }
  | { readonly reason: 'draining' }
  | { readonly reason: 'address_denied' };

export const UNREACHABLE = errorLine('Faktory is unreachable; try again later');
const SERVER_REFUSED_US = errorLine(
  'Faktory is unreachable: it refused the login of faktory-bouncer; check the FAKTORY_PASSWORD of faktory-bouncer and its log',
);
const NO_TLS_WITH_SERVER = errorLine(
  'faktory-bouncer and Faktory cannot agree on TLS; check server.url and server.tls of faktory-bouncer, and its log',
);
const NOT_OPEN_IN_TIME = errorLine(
  'faktory-bouncer could not open a connection to Faktory in time; many are being opened at once, try again later',
);
const WHY_UNREACHABLE = {
  outage: UNREACHABLE,
  login: SERVER_REFUSED_US,
  tls: NO_TLS_WITH_SERVER,
  slow: NOT_OPEN_IN_TIME,
} as const;

/** `reason`: Faktory's or Redis's own words, or the bouncer's; never a client's. */
export function writeRefused(kind: 'suspect' | 'refusing', reason: string): Buffer {
  const what = kind === 'refusing' ? "Faktory's Redis refuses writes" : 'Faktory does not answer';
  const why = reason === '' ? '' : ` (${reason})`;
  return errorLine(`${what}${why}; the command was not sent, try again later`);
}

/** Instead of an acknowledgement that may be false. */
export const LATE_REPLY = errorLine(
  'Faktory took longer than its Redis timeout (3 s): the job may be stored or lost; check, or push it again',
);

/** To a proxy, which passes it on to its client. */
export const PROXY_HEADER_DUE = errorLine(
  'expected a PROXY protocol header from this address (listen.proxy_protocol of faktory-bouncer); set send-proxy-v2 in the proxy, or remove its address from listen.proxy_trusted',
);
export const PROXY_ONLY = errorLine(
  'connect through the proxy: faktory-bouncer accepts only addresses of listen.proxy_trusted (listen.proxy_protocol is required)',
);

/** In clear text. */
export const TLS_REQUIRED = errorLine(
  'this port of faktory-bouncer speaks TLS (listen.tls); connect with tcp+tls:// instead of tcp://',
);
export const CERTIFICATE_REFUSED = errorLine(
  'faktory-bouncer does not accept the certificate of this client, or got none; connect with one that a CA of listen.tls.client_ca has signed',
);

const DRAINING = errorLine('faktory-bouncer is stopping; connect again');

const ADDRESS_DENIED = errorLine(
  'connections from this address are not allowed (listen.allow and listen.deny of faktory-bouncer)',
);

/** What a refused client reads. Where a limit is full: both numbers, and the option that sets the limit. */
export function refusalText(refusal: Refusal): Buffer {
  switch (refusal.reason) {
    case 'unreachable':
      return WHY_UNREACHABLE[refusal.because];
    case 'draining':
      return DRAINING;
    case 'address_denied':
      return ADDRESS_DENIED;
    case 'connection_rate':
      return errorLine(
        `too many connections per second from one ${refusal.of} (limit ${refusal.limit}, guard.${refusal.of}_connections of faktory-bouncer); try again later or raise the limit`,
      );
    case 'clients':
    case 'handshakes':
    case 'server_connections':
    case 'per_worker':
    case 'per_address':
    case 'waiting_line':
      return errorLine(
        `too many connections: ${refusal.now} (limit ${refusal.limit}, ${LIMIT_NAMES[refusal.reason]} of faktory-bouncer); try again later or raise the limit`,
      );
  }
}

/** Faktory's own words, on which clients rely. */
export const INVALID_PASSWORD = errorLine('Invalid password');

export function commandTooLong(limitBytes: number): Buffer {
  return errorLine(
    `command too long (limit ${limitBytes} bytes, max_command_bytes of faktory-bouncer); send a shorter command or raise the limit`,
  );
}

const GUARD_TEXTS: Record<Exclude<GuardRule, 'command_too_long'>, Buffer> = {
  reserved_queue: errorLine(
    "the queue has the name of one of Faktory's own Redis keys (guard.reserved_queue of faktory-bouncer); use another queue name",
  ),
  flush: errorLine('FLUSH is not allowed (guard.flush of faktory-bouncer)'),
  mutate: errorLine(
    'MUTATE clear, kill and discard are not allowed (guard.mutate of faktory-bouncer)',
  ),
  queue_remove: errorLine('QUEUE REMOVE is not allowed (guard.queue_remove of faktory-bouncer)'),
  payload_size: errorLine(
    'a job is longer than guard.payload_bytes of faktory-bouncer; push a smaller job or raise the limit',
  ),
  command_rate: errorLine(
    'too many commands per second (guard.worker_commands or guard.address_commands of faktory-bouncer); try again later or raise the limit',
  ),
  bare_verb: errorLine(
    'a command without an argument would crash Faktory 1.7; send its JSON after a space',
  ),
  queue_arguments: errorLine(
    'QUEUE without an action and a queue would crash Faktory 1.7; send for example QUEUE PAUSE default',
  ),
  fetch_too_long: errorLine(`FETCH too long (limit ${FETCH_BYTES_MAX} bytes); name fewer queues`),
  control_character: errorLine('wid or jid with a control character; send an id without one'),
};

export function guardText(rule: keyof typeof GUARD_TEXTS): Buffer {
  return GUARD_TEXTS[rule];
}
