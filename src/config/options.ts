// Every option, once: its key, kind, default, meaning, and where it lives in the Config. Files,
// environment variables, checks and documentation are all made from this table.

import { isDeepStrictEqual } from 'node:util';

import { EVICTIONS, LOG_LEVELS, MODES, RULE_MODES } from './config.ts';
import type { Config } from './config.ts';
import {
  address,
  addressOrPath,
  boolean,
  choice,
  duration,
  fileMode,
  filePath,
  integer,
  ipAddress,
  portRange,
  redisUrl,
  serverUrl,
  size,
} from './kinds.ts';
import type { Kind, Written } from './kinds.ts';

/** One option; `fallback` is its default as an operator would write it. */
export interface Option<T> {
  readonly kind: Kind<T>;
  readonly fallback: Written;
  /** Whether a reload applies a new value; else the running value is kept until a restart. */
  readonly reloadable: boolean;
  readonly doc: string;
  /** The value in a Config, as an operator would write it, with secrets hidden. */
  readonly show: (config: Config) => Written;
  /** Whether two Configs differ in it, secrets included. */
  readonly differs: (one: Config, other: Config) => boolean;
}

interface OptionFacts<T> {
  readonly kind: Kind<T>;
  readonly fallback: Written;
  readonly reloadable: boolean;
  readonly doc: string;
  readonly read: (config: Config) => T;
}

function option<T>({ read, ...facts }: OptionFacts<T>): Option<T> {
  return {
    ...facts,
    show: (config) => facts.kind.format(read(config)),
    differs: (one, other) => !isDeepStrictEqual(read(one), read(other)),
  };
}

/** What a group of options is about. */
export const SECTIONS: Readonly<Record<string, string>> = {
  listen: 'Where clients connect.',
  server: 'The Faktory server behind the bouncer.',
  limits: 'How many connections and commands there may be at a time.',
  waiting_line: 'Where client connections wait when a limit is reached.',
  pool: 'Pooled mode. In session mode only hold and outage_wait have an effect.',
  writes: 'What the bouncer does so that +OK means that the job is stored. off: nothing.',
  redis: "Direct queries to Faktory's Redis: its INFO, and whether it accepts writes.",
  admin: 'The admin HTTP server: status page, API, metrics and health.',
  log: 'JSON lines on standard output.',
};

export const OPTIONS = {
  'listen.address': option({
    kind: address(),
    fallback: '127.0.0.1:7519',
    reloadable: false,
    doc: 'Address on which the bouncer listens for Faktory clients.',
    read: (config) => config.listen.address,
  }),
  'listen.backlog': option({
    kind: integer(1, 65_535),
    fallback: 4096,
    reloadable: false,
    doc: 'Connections that the kernel holds until the bouncer accepts them. net.core.somaxconn caps this number.',
    read: (config) => config.listen.backlog,
  }),
  'listen.reuse_port': option({
    kind: boolean(),
    fallback: false,
    reloadable: false,
    doc: 'Several bouncers of the same user may listen on one port, if all of them set this option. The kernel spreads new connections over them. Use it to replace a bouncer without refusing a connection.',
    read: (config) => config.listen.reusePort,
  }),
  'server.url': option({
    kind: serverUrl(),
    fallback: 'tcp://127.0.0.1:7419',
    reloadable: false,
    doc: 'URL of Faktory, as in FAKTORY_URL. If it has no password, FAKTORY_PASSWORD is used. The bouncer sends the user name in the HELLO of server connections that belong to no client; Faktory 1.7 does not check it. A reload applies a new password, and nothing else of the URL.',
    read: ({ server: { address, username, password } }) => ({ address, username, password }),
  }),
  'server.bind_address': option({
    kind: ipAddress(),
    fallback: '',
    reloadable: true,
    doc: 'Local IP address for connections to Faktory. Empty: the system picks one.',
    read: (config) => config.server.bindAddress,
  }),
  'server.source_ports': option({
    kind: portRange(),
    fallback: '',
    reloadable: true,
    doc: 'Local ports for connections to Faktory, for a firewall that allows no others. Empty: the system picks them.',
    read: (config) => config.server.sourcePorts,
  }),
  'server.connect_timeout': option({
    kind: duration('1ms', '1m'),
    fallback: '2s',
    reloadable: true,
    doc: 'Time limit for one dial to Faktory, including the handshake.',
    read: (config) => config.server.connectTimeoutMs,
  }),
  'server.info_interval': option({
    kind: duration('0s', '1h'),
    fallback: '5s',
    reloadable: true,
    doc: 'Interval between the INFO commands that the bouncer sends to Faktory. It doubles, up to 1m, while Faktory takes more than 1s to answer. 0s: the bouncer sends none.',
    read: (config) => config.server.infoIntervalMs,
  }),
  mode: option({
    kind: choice(MODES),
    fallback: 'session',
    reloadable: false,
    doc: 'session: each client connection has a server connection for itself. pooled: client connections share server connections.',
    read: (config) => config.mode,
  }),
  'limits.clients': option({
    kind: integer(1, 1_000_000),
    fallback: 10_000,
    reloadable: true,
    doc: 'Client connections. Each one needs an open file, see `ulimit -n`.',
    read: (config) => config.limits.clients,
  }),
  'limits.handshakes': option({
    kind: integer(1, 1_000_000),
    fallback: 1000,
    reloadable: true,
    doc: 'Client connections in the handshake at a time. Further clients wait for HI, up to handshake_timeout.',
    read: (config) => config.limits.handshakes,
  }),
  'limits.server_connections': option({
    kind: integer(1, 100_000),
    fallback: 900,
    reloadable: true,
    doc: "Connections to Faktory. Faktory's Redis pool has 1000 connections: leave room for clients that bypass the bouncer, and for Faktory's own work.",
    read: (config) => config.limits.serverConnections,
  }),
  'limits.producer_reserve': option({
    kind: integer(0, 99_999),
    fallback: 90,
    reloadable: true,
    doc: 'Server connections, out of limits.server_connections, that connections which FETCH or BEAT may not use. Must be less than limits.server_connections.',
    read: (config) => config.limits.producerReserve,
  }),
  'limits.fetches_in_flight': option({
    kind: integer(1, 100_000),
    fallback: 800,
    reloadable: true,
    doc: "FETCHes that Faktory works on at a time. Each one holds a connection of Faktory's Redis pool. Further FETCHes wait in the bouncer.",
    read: (config) => config.limits.fetchesInFlight,
  }),
  'limits.commands_in_flight': option({
    kind: integer(1, 100_000),
    fallback: 500,
    reloadable: true,
    doc: "Commands other than FETCH that Faktory works on at a time. Further commands wait in the bouncer. Above 511, a Redis that hangs refuses new connections from Faktory, and Faktory then acknowledges jobs that it has lost. In pooled mode the command lane grows up to this limit while Faktory's Redis is slow.",
    read: (config) => config.limits.commandsInFlight,
  }),
  'limits.per_worker': option({
    kind: integer(0, 1_000_000),
    fallback: 0,
    reloadable: true,
    doc: 'Admitted client connections for each wid. 0: no limit.',
    read: (config) => config.limits.perWorker,
  }),
  'limits.per_address': option({
    kind: integer(0, 1_000_000),
    fallback: 0,
    reloadable: true,
    doc: 'Admitted client connections for each remote address. 0: no limit.',
    read: (config) => config.limits.perAddress,
  }),
  'limits.idle_timeout': option({
    kind: duration('0s', '24h'),
    fallback: '0s',
    reloadable: true,
    doc: 'How long a producer may send nothing before its connection is closed. 0s: no limit.',
    read: (config) => config.limits.idleTimeoutMs,
  }),
  'limits.buffered_bytes': option({
    kind: size('64KiB', '64GiB'),
    fallback: '256MiB',
    reloadable: true,
    doc: 'Bytes that clients have sent and that are not answered yet, for all clients together. Commands up to 4 KiB that are on their way are not counted. Above the limit, the bouncer reads from one such client at a time. Must not be less than max_command_bytes.',
    read: (config) => config.limits.bufferedBytes,
  }),
  'limits.evict': option({
    kind: choice(EVICTIONS),
    fallback: 'none',
    reloadable: true,
    doc: 'What happens when a reload lowers a limit below what is there. none: connections leave as they end. idle: clients that have been idle for 1s or longer are closed, at most 50 per second, until the limit holds. Clients of workers that FETCH or BEAT, and clients with an outstanding command, are never closed.',
    read: (config) => config.limits.evict,
  }),
  'waiting_line.size': option({
    kind: integer(0, 1_000_000),
    fallback: 1000,
    reloadable: true,
    doc: 'Client connections that may wait at a time. If the line is full, the next client is refused. 0: no client waits.',
    read: (config) => config.waitingLine.size,
  }),
  'waiting_line.timeout': option({
    kind: duration('100ms', '1m'),
    fallback: '4s',
    reloadable: true,
    doc: 'Time limit from HELLO to +OK, including the dial to Faktory. A client that reaches it is refused. Ruby and Node clients give up after 5s.',
    read: (config) => config.waitingLine.timeoutMs,
  }),
  refusal_delay: option({
    kind: duration('0s', '1m'),
    fallback: '0s',
    reloadable: true,
    doc: 'Time for which a refused client is held before it gets its answer. This slows down clients that reconnect at once.',
    read: (config) => config.refusalDelayMs,
  }),
  handshake_timeout: option({
    kind: duration('1ms', '1m'),
    fallback: '2s',
    reloadable: true,
    doc: 'Time limit for the wait for HI, and again from HI to HELLO. Faktory itself allows 2s.',
    read: (config) => config.handshakeTimeoutMs,
  }),
  max_command_bytes: option({
    kind: size('1KiB', '1GiB'),
    fallback: '16MiB',
    reloadable: true,
    doc: 'Longest command line that a client may send.',
    read: (config) => config.maxCommandBytes,
  }),
  keepalive: option({
    kind: duration('1s', '2h'),
    fallback: '20s',
    reloadable: false,
    doc: 'Silence after which TCP checks whether the peer is still there.',
    read: (config) => config.keepaliveMs,
  }),
  write_stall_timeout: option({
    kind: duration('10ms', '1h'),
    fallback: '30s',
    reloadable: true,
    doc: 'Time for which bytes that are written to a client, or to Faktory, may stay untaken. After it, the connection is closed.',
    read: (config) => config.writeStallTimeoutMs,
  }),
  drain_timeout: option({
    kind: duration('0s', '1h'),
    fallback: '25s',
    reloadable: true,
    doc: 'Time limit for a drain, from the end of drain_delay. After it, connections with outstanding commands are closed.',
    read: (config) => config.drainTimeoutMs,
  }),
  drain_delay: option({
    kind: duration('0s', '10m'),
    fallback: '0s',
    reloadable: true,
    doc: 'Time at the start of a drain during which /readyz answers 503 and clients are accepted and served as before, so that load balancers move on first.',
    read: (config) => config.drainDelayMs,
  }),
  observe_only: option({
    kind: boolean(),
    fallback: false,
    reloadable: true,
    doc: 'No client waits or is refused. The bouncer counts what the limits would have done.',
    read: (config) => config.observeOnly,
  }),
  'pool.command_connections': option({
    kind: integer(1, 1000),
    fallback: 16,
    reloadable: false,
    doc: 'Server connections that all clients share for every verb except FETCH. limits.server_connections must be larger by 2 or more.',
    read: (config) => config.pool.commandConnections,
  }),
  'pool.fetches_per_worker': option({
    kind: integer(1, 1000),
    fallback: 8,
    reloadable: true,
    doc: 'FETCHes of one worker that find jobs at a time while Faktory is fast. A worker that asks for more sets of queues gets one FETCH for each set. While Redis is slow, a worker gets as many as bring more jobs.',
    read: (config) => config.pool.fetchesPerWorker,
  }),
  'pool.fetches_per_worker_max': option({
    kind: integer(1, 100_000),
    fallback: 800,
    reloadable: true,
    doc: 'Most server connections of one worker for its FETCHes. Each client without a wid counts as one worker. Must not be less than pool.fetches_per_worker.',
    read: (config) => config.pool.fetchesPerWorkerMax,
  }),
  'pool.bulk_push': option({
    kind: boolean(),
    fallback: true,
    reloadable: true,
    doc: 'While Faktory is fast, PUSHes that arrive while others are outstanding travel as one PUSHB. Each client reads its own reply.',
    read: (config) => config.pool.bulkPush,
  }),
  'pool.outage_wait': option({
    kind: duration('0s', '1m'),
    fallback: '4s',
    reloadable: true,
    doc: 'Time for which a command may wait until it can be sent. In session mode it applies to writes that are held while Faktory is not sound. Ruby and Go clients give up after 5s.',
    read: (config) => config.pool.outageWaitMs,
  }),
  'pool.linger': option({
    kind: duration('0s', '1h'),
    fallback: '2s',
    reloadable: true,
    doc: 'Time for which a server connection of a worker beyond its first stays open without a FETCH.',
    read: (config) => config.pool.lingerMs,
  }),
  'pool.hold': option({
    kind: duration('0s', '1m'),
    fallback: '5s',
    reloadable: true,
    doc: 'Time for which a job whose client has left waits for another taker. After it, the job is given back. Applies in session mode too.',
    read: (config) => config.pool.holdMs,
  }),
  'writes.late_reply': option({
    kind: choice(RULE_MODES),
    fallback: 'on',
    reloadable: true,
    doc: 'Faktory may have lost a job whose PUSH or PUSHB it acknowledges after 3 s or more, the read timeout of its Redis client. on: the client reads an error. log: the bouncer only counts it.',
    read: (config) => config.writes.lateReply,
  }),
  'writes.hang': option({
    kind: choice(RULE_MODES),
    fallback: 'on',
    reloadable: true,
    doc: 'Applies when Faktory or its Redis hangs: a PUSH, ACK or FAIL has had no answer for 1.5 s and nothing else was answered for 1 s, or a reply says that Redis does not answer. on: new PUSH, PUSHB and FAIL wait up to pool.outage_wait, then read an error. log: only the log and the metrics show it.',
    read: (config) => config.writes.hang,
  }),
  'writes.refused': option({
    kind: choice(RULE_MODES),
    fallback: 'on',
    reloadable: true,
    doc: 'Applies when Redis refuses writes, which Faktory does not report. on: new PUSH, PUSHB and FAIL wait up to pool.outage_wait, then read an error, and FETCH gets nil. log: only the log and the metrics show it.',
    read: (config) => config.writes.refused,
  }),
  'writes.probe_interval': option({
    kind: duration('0s', '1h'),
    fallback: '1s',
    reloadable: true,
    doc: 'Interval between write probes while jobs are pushed. A probe is a PUSH that Faktory drops; Faktory reports whether Redis stored it. No probe is sent while Redis itself answers through redis.url. 0s: probes are sent only while Faktory is not sound.',
    read: (config) => config.writes.probeIntervalMs,
  }),
  'redis.url': option({
    kind: redisUrl(),
    fallback: '',
    reloadable: false,
    doc: "URL of Faktory's Redis. Empty: Redis is not queried.",
    read: (config) => config.redis.url,
  }),
  'redis.interval': option({
    kind: duration('100ms', '1h'),
    fallback: '5s',
    reloadable: true,
    doc: 'Interval between the INFO queries to Redis.',
    read: (config) => config.redis.intervalMs,
  }),
  'admin.address': option({
    kind: addressOrPath(),
    fallback: '127.0.0.1:7421',
    reloadable: false,
    doc: 'Address or Unix socket of the admin HTTP server. Anything except /metrics, /livez and /readyz needs the operator token where the connection does not come over loopback or a Unix socket.',
    read: (config) => config.admin.address,
  }),
  'admin.socket_mode': option({
    kind: fileMode(),
    fallback: '0600',
    reloadable: false,
    doc: 'Permissions of the Unix socket, where admin.address is one. A process that may write to the socket may read everything except secrets.',
    read: (config) => config.admin.socketMode,
  }),
  'admin.token_file': option({
    kind: filePath(),
    fallback: '',
    reloadable: false,
    doc: 'File that holds the operator token, with which the admin API may be told to act. FAKTORY_BOUNCER_ADMIN_TOKEN can hold the token itself, and overrides the file. Empty, without the variable: the API only reads.',
    read: (config) => config.admin.tokenFile,
  }),
  reload_on_change: option({
    kind: boolean(),
    fallback: false,
    reloadable: true,
    doc: 'Reload when the configuration file, or the file that FAKTORY_PASSWORD names, changes. SIGHUP reloads in any case.',
    read: (config) => config.reloadOnChange,
  }),
  'log.level': option({
    kind: choice(LOG_LEVELS),
    fallback: 'info',
    reloadable: true,
    doc: 'Least severe level that is logged.',
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
