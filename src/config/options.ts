// Every option, once: its key, kind, default, meaning, and where it lives in the Config. Files,
// environment variables, checks and documentation are all made from this table.

import { LOG_LEVELS, MODES, RULE_MODES } from './config.ts';
import type { Config } from './config.ts';
import { address, boolean, choice, duration, integer, redisUrl, serverUrl, size } from './kinds.ts';
import type { Kind, Written } from './kinds.ts';

/** One option; `fallback` is its default as an operator would write it. */
export interface Option<T> {
  readonly kind: Kind<T>;
  readonly fallback: Written;
  /** Whether a running bouncer could take a new value without dropping a connection. */
  readonly reloadable: boolean;
  readonly doc: string;
  /** The value in a Config, as an operator would write it, with secrets hidden. */
  readonly show: (config: Config) => Written;
}

interface OptionFacts<T> {
  readonly kind: Kind<T>;
  readonly fallback: Written;
  readonly reloadable: boolean;
  readonly doc: string;
  readonly read: (config: Config) => T;
}

function option<T>({ read, ...facts }: OptionFacts<T>): Option<T> {
  return { ...facts, show: (config) => facts.kind.format(read(config)) };
}

/** What a group of options is about. */
export const SECTIONS: Readonly<Record<string, string>> = {
  listen: 'Where clients connect.',
  server: 'The Faktory behind the bouncer.',
  limits: 'How many may be there at once.',
  waiting_line: 'Where a client waits when a limit is reached.',
  pool: 'Pooled mode only, but for hold.',
  writes: 'What an acknowledgement must mean: jobs are never lost after +OK.',
  redis: "Faktory's Redis, asked for its health.",
  admin: 'The admin HTTP server: metrics and health.',
  log: 'JSON lines on standard output.',
};

export const OPTIONS = {
  'listen.address': option({
    kind: address(),
    fallback: '127.0.0.1:7519',
    reloadable: false,
    doc: 'Where to listen for Faktory clients.',
    read: (config) => config.listen.address,
  }),
  'listen.backlog': option({
    kind: integer(1, 65_535),
    fallback: 4096,
    reloadable: false,
    doc: 'Connections that the kernel holds until they are accepted; net.core.somaxconn caps it.',
    read: (config) => config.listen.backlog,
  }),
  'server.url': option({
    kind: serverUrl(),
    fallback: 'tcp://127.0.0.1:7419',
    reloadable: false,
    doc: 'Faktory, written as in FAKTORY_URL. When it holds no password, FAKTORY_PASSWORD is used. The bouncer sends the user name in the HELLO of its own connections; Faktory 1.7 does not check it.',
    read: ({ server }) => server,
  }),
  'server.connect_timeout': option({
    kind: duration('1ms', '1m'),
    fallback: '2s',
    reloadable: true,
    doc: 'How long one dial of Faktory may take, its handshake included.',
    read: (config) => config.server.connectTimeoutMs,
  }),
  'server.info_interval': option({
    kind: duration('0s', '1h'),
    fallback: '5s',
    reloadable: true,
    doc: 'How often the bouncer asks Faktory for INFO. 0s: never.',
    read: (config) => config.server.infoIntervalMs,
  }),
  mode: option({
    kind: choice(MODES),
    fallback: 'session',
    reloadable: false,
    doc: 'session: a server connection for each client connection. pooled: clients share few.',
    read: (config) => config.mode,
  }),
  'limits.clients': option({
    kind: integer(1, 1_000_000),
    fallback: 10_000,
    reloadable: true,
    doc: 'Client connections. Each needs an open file, see `ulimit -n`.',
    read: (config) => config.limits.clients,
  }),
  'limits.handshakes': option({
    kind: integer(1, 1_000_000),
    fallback: 1000,
    reloadable: true,
    doc: 'Client connections in the handshake at a time; more wait for HI as long as handshake_timeout.',
    read: (config) => config.limits.handshakes,
  }),
  'limits.server_connections': option({
    kind: integer(1, 100_000),
    fallback: 900,
    reloadable: true,
    doc: "Connections to Faktory, whose Redis pool has 1000 places. Leave room for clients that pass the bouncer by and for Faktory's own work.",
    read: (config) => config.limits.serverConnections,
  }),
  'limits.producer_reserve': option({
    kind: integer(0, 99_999),
    fallback: 90,
    reloadable: true,
    doc: 'Server connections, out of limits.server_connections, that are kept for clients without a wid. Must be less than limits.server_connections.',
    read: (config) => config.limits.producerReserve,
  }),
  'limits.fetches_in_flight': option({
    kind: integer(1, 100_000),
    fallback: 800,
    reloadable: true,
    doc: "FETCHes that block in Faktory at once, each of which holds one place of Faktory's Redis pool.",
    read: (config) => config.limits.fetchesInFlight,
  }),
  'limits.commands_in_flight': option({
    kind: integer(1, 100_000),
    fallback: 500,
    reloadable: true,
    doc: "Commands other than FETCH that Faktory works on at once; more wait. Over 511, a Redis that hangs drops connections of Faktory, which then acknowledges jobs that it has lost. In pooled mode the command lane grows to it while Faktory's Redis is slow.",
    read: (config) => config.limits.commandsInFlight,
  }),
  'limits.per_worker': option({
    kind: integer(0, 1_000_000),
    fallback: 0,
    reloadable: true,
    doc: 'Admitted client connections per wid. 0: no cap.',
    read: (config) => config.limits.perWorker,
  }),
  'limits.per_address': option({
    kind: integer(0, 1_000_000),
    fallback: 0,
    reloadable: true,
    doc: 'Admitted client connections per remote address. 0: no cap.',
    read: (config) => config.limits.perAddress,
  }),
  'limits.buffered_bytes': option({
    kind: size('64KiB', '64GiB'),
    fallback: '256MiB',
    reloadable: true,
    doc: 'What has been read from clients and not been answered, for all of them together, without commands under 4 KiB; past it reading pauses. Must not be less than max_command_bytes.',
    read: (config) => config.limits.bufferedBytes,
  }),
  'waiting_line.size': option({
    kind: integer(0, 1_000_000),
    fallback: 1000,
    reloadable: true,
    doc: 'Client connections that may wait at once; whoever comes later is refused. 0: nobody waits.',
    read: (config) => config.waitingLine.size,
  }),
  'waiting_line.timeout': option({
    kind: duration('100ms', '1m'),
    fallback: '4s',
    reloadable: true,
    doc: 'From HELLO to +OK: how long one waits in all, the dial of Faktory included, before it is refused. Ruby and Node clients give up after 5s.',
    read: (config) => config.waitingLine.timeoutMs,
  }),
  refusal_delay: option({
    kind: duration('0s', '1m'),
    fallback: '0s',
    reloadable: true,
    doc: 'How long a refused client is held before it gets its answer, which slows down clients that come back at once.',
    read: (config) => config.refusalDelayMs,
  }),
  handshake_timeout: option({
    kind: duration('1ms', '1m'),
    fallback: '2s',
    reloadable: true,
    doc: 'How long a client may take from connecting to its HELLO. Faktory itself allows 2s.',
    read: (config) => config.handshakeTimeoutMs,
  }),
  max_command_bytes: option({
    kind: size('1KiB', '1GiB'),
    fallback: '16MiB',
    reloadable: true,
    doc: 'The longest command line that a client may send.',
    read: (config) => config.maxCommandBytes,
  }),
  keepalive: option({
    kind: duration('1s', '2h'),
    fallback: '20s',
    reloadable: false,
    doc: 'How long a connection is silent before TCP asks whether the other side is still there.',
    read: (config) => config.keepaliveMs,
  }),
  write_stall_timeout: option({
    kind: duration('10ms', '1h'),
    fallback: '30s',
    reloadable: true,
    doc: 'How long bytes written to a client, or to Faktory, may stay untaken before its connection is closed.',
    read: (config) => config.writeStallTimeoutMs,
  }),
  drain_timeout: option({
    kind: duration('0s', '1h'),
    fallback: '25s',
    reloadable: true,
    doc: 'How long a stop waits for commands on their way before it closes their connections.',
    read: (config) => config.drainTimeoutMs,
  }),
  observe_only: option({
    kind: boolean(),
    fallback: false,
    reloadable: true,
    doc: 'Count what would have waited or been refused, and let it through.',
    read: (config) => config.observeOnly,
  }),
  'pool.command_connections': option({
    kind: integer(1, 1000),
    fallback: 16,
    reloadable: false,
    doc: 'Server connections shared for all commands but FETCH. limits.server_connections must be larger by 2 or more.',
    read: (config) => config.pool.commandConnections,
  }),
  'pool.fetches_per_worker': option({
    kind: integer(1, 1000),
    fallback: 8,
    reloadable: true,
    doc: 'Most server connections that one worker gets for its FETCHes.',
    read: (config) => config.pool.fetchesPerWorker,
  }),
  'pool.bulk_push': option({
    kind: boolean(),
    fallback: true,
    reloadable: true,
    doc: 'Send PUSHes that come while others are on their way as one PUSHB, while Faktory is fast. Each client still reads its own reply.',
    read: (config) => config.pool.bulkPush,
  }),
  'pool.outage_wait': option({
    kind: duration('0s', '1m'),
    fallback: '4s',
    reloadable: true,
    doc: 'How long commands wait while Faktory is away. Ruby and Go clients give up after 5s.',
    read: (config) => config.pool.outageWaitMs,
  }),
  'pool.linger': option({
    kind: duration('0s', '1h'),
    fallback: '2s',
    reloadable: true,
    doc: "How long a worker's surplus server connections stay open idle.",
    read: (config) => config.pool.lingerMs,
  }),
  'pool.hold': option({
    kind: duration('0s', '1m'),
    fallback: '5s',
    reloadable: true,
    doc: 'How long a job whose client has gone waits for another taker before it is given back, in session mode too.',
    read: (config) => config.pool.holdMs,
  }),
  'writes.late_reply': option({
    kind: choice(RULE_MODES),
    fallback: 'on',
    reloadable: true,
    doc: 'A PUSH or PUSHB that Faktory acknowledges after 3 s or more, its Redis timeout, may be lost. on: its client reads an error. log: it is only counted.',
    read: (config) => config.writes.lateReply,
  }),
  'writes.hang': option({
    kind: choice(RULE_MODES),
    fallback: 'on',
    reloadable: true,
    doc: 'While a PUSH, ACK or FAIL has had no answer for 1.5 s, or Redis does not answer. on: new PUSH, PUSHB and FAIL wait as long as pool.outage_wait, then read an error. log: it is only told.',
    read: (config) => config.writes.hang,
  }),
  'writes.refused': option({
    kind: choice(RULE_MODES),
    fallback: 'on',
    reloadable: true,
    doc: 'While Redis refuses writes, which Faktory does not tell. on: PUSH, PUSHB and FAIL wait likewise, and FETCH gets nil. log: it is only told.',
    read: (config) => config.writes.refused,
  }),
  'writes.probe_interval': option({
    kind: duration('0s', '1h'),
    fallback: '1s',
    reloadable: true,
    doc: 'How often Faktory is asked whether its Redis takes writes, while jobs are pushed and redis.url does not tell: by a PUSH that Faktory drops. 0s: only when there is trouble.',
    read: (config) => config.writes.probeIntervalMs,
  }),
  'redis.url': option({
    kind: redisUrl(),
    fallback: '',
    reloadable: false,
    doc: 'Where it is; empty: it is not asked.',
    read: (config) => config.redis.url,
  }),
  'redis.interval': option({
    kind: duration('100ms', '1h'),
    fallback: '5s',
    reloadable: true,
    doc: 'How often it is asked.',
    read: (config) => config.redis.intervalMs,
  }),
  'admin.address': option({
    kind: address(),
    fallback: '127.0.0.1:7421',
    reloadable: false,
    doc: 'Where it listens. It asks for no password: keep it off public networks.',
    read: (config) => config.admin.address,
  }),
  'log.level': option({
    kind: choice(LOG_LEVELS),
    fallback: 'info',
    reloadable: true,
    doc: 'Least important level that is logged.',
    read: (config) => config.log.level,
  }),
} as const;

/** An option's key: its path in the file, joined with dots. */
export type OptionKey = keyof typeof OPTIONS;

/** What the option holds once it is read. */
export type ValueOf<K extends OptionKey> = (typeof OPTIONS)[K] extends Option<infer T> ? T : never;

/** Every key, in the order of the table. */
export const OPTION_KEYS = Object.keys(OPTIONS) as readonly OptionKey[];

export function isOptionKey(key: string): key is OptionKey {
  return Object.hasOwn(OPTIONS, key);
}

export function isSection(key: string): boolean {
  return Object.hasOwn(SECTIONS, key);
}

/** The environment variable that sets the option. */
export function variableOf(key: OptionKey): string {
  return `FAKTORY_BOUNCER_${key.toUpperCase().replaceAll('.', '_')}`;
}
