// Every option, once: its key, kind, default, meaning, and where it lives in the Config. Files,
// environment variables, checks and documentation are all made from this table.

import { isDeepStrictEqual } from 'node:util';

import {
  CONNECTION_LINES,
  EVICTIONS,
  LEGACY_NAMES,
  LOG_LEVELS,
  MODES,
  PROXY_PROTOCOLS,
  RULE_MODES,
  RULE_SWITCHES,
  SWITCH,
  TLS_VERSIONS,
} from './config.ts';
import type { Config } from './config.ts';
import type { Kind, Written } from './kind.ts';
import { addressList, wordList } from './list-kinds.ts';
import {
  address,
  addressOrPath,
  hostName,
  ipAddress,
  portRange,
  redisKey,
  redisUrl,
  sharedRedisUrl,
  serverUrl,
} from './network-kinds.ts';
import { boolean, choice, duration, fileMode, filePath, integer, size } from './plain-kinds.ts';
import { statsdPrefix, statsdTags, statsdUrl } from './statsd-kinds.ts';

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
  'listen.tls': 'TLS on listen.address, if a certificate is given. The files are PEM.',
  server: 'The Faktory server behind the bouncer.',
  'server.tls': 'TLS with Faktory, if server.url begins with tcp+tls. The files are PEM.',
  limits: 'How many connections and commands there may be at a time.',
  waiting_line: 'Where client connections wait when a limit is reached.',
  pool: 'Pooled mode. In session mode only hold and outage_wait have an effect.',
  writes: 'What the bouncer does so that +OK means that the job is stored. off: nothing.',
  guard:
    'Commands and connections that can harm Faktory, rule by rule. off: the rule has no effect. log: the command passes, and is counted and logged. block: the client reads an error, and its connection stays open.',
  shared_limits:
    'One limits.server_connections for several bouncers in front of one Faktory, through a Redis. See docs/scale.md.',
  redis: "Direct queries to Faktory's Redis: its INFO, and whether it accepts writes.",
  admin: 'The admin HTTP server: status page, API, metrics and health.',
  metrics: 'Additional metrics, off by default.',
  statsd: 'Metrics to a statsd or DogStatsD receiver, beside /metrics.',
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
  'listen.allow': option({
    kind: addressList(),
    fallback: '',
    reloadable: true,
    doc: 'Addresses and networks from which clients may connect. Empty: all. An IPv4 address that arrives as IPv6 (::ffff:10.0.0.5) counts as IPv4.',
    read: (config) => config.listen.allow,
  }),
  'listen.deny': option({
    kind: addressList(),
    fallback: '',
    reloadable: true,
    doc: 'Addresses and networks from which clients may not connect, even if listen.allow has them.',
    read: (config) => config.listen.deny,
  }),
  'listen.previous_password_file': option({
    kind: filePath(),
    fallback: '',
    reloadable: true,
    doc: "File with a second password that clients may use besides Faktory's own, while they change over from one to the other. White space around it is ignored. Empty: there is none.",
    read: (config) => config.listen.previousPasswordFile,
  }),
  'listen.proxy_protocol': option({
    kind: choice(PROXY_PROTOCOLS),
    fallback: 'off',
    reloadable: true,
    doc: "PROXY protocol header, version 1 or 2, with which a proxy in front gives the client's address. off: no header is accepted. on: connections from listen.proxy_trusted must begin with a header; all other connections are direct clients. required: only addresses of listen.proxy_trusted may connect.",
    read: (config) => config.listen.proxyProtocol,
  }),
  'listen.proxy_trusted': option({
    kind: addressList(),
    fallback: '',
    reloadable: true,
    doc: 'Addresses and networks of the proxies whose PROXY headers are believed. Such a proxy decides which address a client has.',
    read: (config) => config.listen.proxyTrusted,
  }),
  'listen.tls.certificate': option({
    kind: filePath(),
    fallback: '',
    reloadable: true,
    doc: "The bouncer's certificate, followed by the intermediate certificates. Empty: clients speak plain TCP.",
    read: (config) => config.listen.tls.certificate,
  }),
  'listen.tls.key': option({
    kind: filePath(),
    fallback: '',
    reloadable: true,
    doc: 'The private key of the certificate, without a passphrase.',
    read: (config) => config.listen.tls.key,
  }),
  'listen.tls.client_ca': option({
    kind: filePath(),
    fallback: '',
    reloadable: true,
    doc: 'CA certificates. Clients must present a certificate that one of these CAs has signed. Empty: clients need no certificate.',
    read: (config) => config.listen.tls.clientCa,
  }),
  'listen.tls.min_version': option({
    kind: choice(TLS_VERSIONS),
    fallback: 'TLSv1.2',
    reloadable: true,
    doc: 'Oldest version of TLS that clients may speak.',
    read: (config) => config.listen.tls.minVersion,
  }),
  'listen.tls.ticket_key_file': option({
    kind: filePath(),
    fallback: '',
    reloadable: true,
    doc: 'File with at least 48 random bytes, from which the keys of session tickets are derived. Clients can then resume their sessions after a restart, and at other bouncers with the same file. Empty: the bouncer generates the bytes at its start.',
    read: (config) => config.listen.tls.ticketKeyFile,
  }),
  'server.url': option({
    kind: serverUrl(),
    fallback: 'tcp://127.0.0.1:7419',
    reloadable: false,
    doc: 'URL of Faktory, as in FAKTORY_URL. If it has no password, FAKTORY_PASSWORD is used. The bouncer sends the user name in the HELLO of server connections that belong to no client; Faktory 1.7 does not check it. A reload applies a new password, and nothing else of the URL.',
    read: ({ server: { address, secure, username, password } }) => ({
      address,
      secure,
      username,
      password,
    }),
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
  'server.answer_timeout': option({
    kind: duration('0s', '1h'),
    fallback: '1m',
    reloadable: true,
    doc: 'Time for which Faktory may owe an answer to PUSH, PUSHB, FETCH, ACK, FAIL or BEAT on one connection while it answers on the own connection of the bouncer. After it, the connection is given up as lost. Keep it well above the 12s that a FETCH may take while Redis hangs. 0s: no limit.',
    read: (config) => config.server.answerTimeoutMs,
  }),
  'server.info_interval': option({
    kind: duration('0s', '1h'),
    fallback: '5s',
    reloadable: true,
    doc: 'Interval between the INFO commands that the bouncer sends to Faktory. It doubles, up to 1m, while Faktory takes more than 1s to answer. 0s: the bouncer sends none.',
    read: (config) => config.server.infoIntervalMs,
  }),
  'server.tls.ca': option({
    kind: filePath(),
    fallback: '',
    reloadable: true,
    doc: "CA certificates. One of these CAs must have signed Faktory's certificate. Empty: the public CAs that Node knows.",
    read: (config) => config.server.tls.ca,
  }),
  'server.tls.server_name': option({
    kind: hostName(),
    fallback: '',
    reloadable: true,
    doc: "Name that Faktory's certificate must have. Empty: the host of server.url.",
    read: (config) => config.server.tls.serverName,
  }),
  'server.tls.certificate': option({
    kind: filePath(),
    fallback: '',
    reloadable: true,
    doc: "The bouncer's certificate, for a server that asks for one.",
    read: (config) => config.server.tls.certificate,
  }),
  'server.tls.key': option({
    kind: filePath(),
    fallback: '',
    reloadable: true,
    doc: 'The private key of that certificate, without a passphrase.',
    read: (config) => config.server.tls.key,
  }),
  processes: option({
    kind: integer(1, 64),
    fallback: 1,
    reloadable: false,
    doc: 'Number of processes that serve clients on listen.address, one for each core at most. Above 1, a further process starts them, shares limits.server_connections among them, and serves admin.address. Every other number of connections, commands or bytes is divided by it. See docs/scale.md.',
    read: (config) => config.processes,
  }),
  mode: option({
    kind: choice(MODES),
    fallback: 'session',
    reloadable: false,
    doc: 'session: each client connection has a server connection of its own. pooled: client connections share server connections.',
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
    doc: 'Part of limits.server_connections that is reserved: connections that FETCH or BEAT cannot use it. Must be less than limits.server_connections.',
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
  'limits.adaptive': option({
    kind: boolean(),
    fallback: false,
    reloadable: true,
    doc: 'Whether FETCHes and commands in flight follow the time that Faktory takes for PUSH, ACK and FAIL, and its errors. When Faktory becomes slow, FETCHes are lowered first, then commands. limits.fetches_in_flight and limits.commands_in_flight are the upper bounds.',
    read: (config) => config.limits.adaptive,
  }),
  'limits.adaptive_min': option({
    kind: integer(1, 100_000),
    fallback: 16,
    reloadable: true,
    doc: 'With limits.adaptive: the lower bound of FETCHes in flight, and of commands in flight. A limit that is configured lower stays as it is. In pooled mode commands keep pool.command_connections, if that is more.',
    read: (config) => config.limits.adaptiveMin,
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
    doc: 'Memory for commands that are not answered yet, replies that clients have not taken, and stray jobs, for all clients together. Commands up to 4 KiB that are on their way and replies up to 64 KiB are not counted. Above the limit, the bouncer reads one command and one large reply at a time, and sends no FETCH. If untaken replies make up more than half of the limit, it closes clients that leave a reply untaken for 2s. Must not be less than max_command_bytes.',
    read: (config) => config.limits.bufferedBytes,
  }),
  'limits.evict': option({
    kind: choice(EVICTIONS),
    fallback: 'none',
    reloadable: true,
    doc: 'What happens when a reload lowers a limit below the current count. none: no connection is closed. idle: clients that have been idle for 1s or longer are closed, at most 50 per second, until the limit holds. Clients of workers that FETCH or BEAT, and clients with an outstanding command, are never closed.',
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
    doc: 'Time for which a client or Faktory may leave bytes that were written to it unread. After it, the connection is closed.',
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
    doc: 'FETCHes of one worker that find jobs at a time while Faktory is fast. A worker that asks for more sets of queues gets one FETCH for each set. While Redis is slow, a worker gets more FETCHes, as long as they bring more jobs.',
    read: (config) => config.pool.fetchesPerWorker,
  }),
  'pool.fetches_per_worker_max': option({
    kind: integer(1, 100_000),
    fallback: 800,
    reloadable: true,
    doc: 'Maximum number of server connections that one worker has for its FETCHes. For this limit, each client without a wid counts as a worker of its own. Must not be less than pool.fetches_per_worker.',
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
  'guard.bare_verb': option({
    kind: choice(RULE_SWITCHES),
    fallback: 'block',
    reloadable: true,
    doc: 'PUSH, PUSHB, ACK, FAIL or BEAT without an argument. One such line crashes Faktory 1.7.',
    read: (config) => config.guard.bareVerb,
  }),
  'guard.queue_arguments': option({
    kind: choice(RULE_SWITCHES),
    fallback: 'block',
    reloadable: true,
    doc: 'QUEUE with fewer than two arguments. One such line crashes Faktory 1.7.',
    read: (config) => config.guard.queueArguments,
  }),
  'guard.reserved_queue': option({
    kind: choice(RULE_SWITCHES),
    fallback: 'block',
    reloadable: true,
    doc: "PUSH, PUSHB, FETCH or QUEUE with a queue whose name is a Redis key of Faktory's own: queues, paused, scheduled, retries, dead, working, processed, failures, and the last two with a colon and a date. One PUSH to retries makes every retry fail. A PUSHB with such a job is refused as a whole.",
    read: (config) => config.guard.reservedQueue,
  }),
  'guard.flush': option({
    kind: choice(RULE_SWITCHES),
    fallback: 'off',
    reloadable: true,
    doc: 'FLUSH, which deletes everything that Faktory has stored.',
    read: (config) => config.guard.flush,
  }),
  'guard.mutate': option({
    kind: choice(RULE_SWITCHES),
    fallback: 'off',
    reloadable: true,
    doc: 'MUTATE with the command clear, kill or discard. MUTATE with requeue always passes.',
    read: (config) => config.guard.mutate,
  }),
  'guard.queue_remove': option({
    kind: choice(RULE_SWITCHES),
    fallback: 'off',
    reloadable: true,
    doc: 'QUEUE REMOVE, which deletes a queue and its jobs.',
    read: (config) => config.guard.queueRemove,
  }),
  'guard.trusted_addresses': option({
    kind: addressList(),
    fallback: '',
    reloadable: true,
    doc: 'Addresses and networks to which guard.flush, guard.mutate and guard.queue_remove do not apply.',
    read: (config) => config.guard.trustedAddresses,
  }),
  'guard.trusted_usernames': option({
    kind: wordList(),
    fallback: '',
    reloadable: true,
    doc: 'Usernames in HELLO to which guard.flush, guard.mutate and guard.queue_remove do not apply. All clients share one password, so this protects against mistakes, not against an attack.',
    read: (config) => config.guard.trustedUsernames,
  }),
  'guard.payload_size': option({
    kind: choice(RULE_SWITCHES),
    fallback: 'off',
    reloadable: true,
    doc: 'PUSH or PUSHB with a job longer than guard.payload_bytes. A PUSHB with such a job is refused as a whole.',
    read: (config) => config.guard.payloadSize,
  }),
  'guard.payload_bytes': option({
    kind: size('1B', '1GiB'),
    fallback: '1MiB',
    reloadable: true,
    doc: 'Longest job for guard.payload_size, in bytes of its JSON.',
    read: (config) => config.guard.payloadBytes,
  }),
  'guard.command_rate': option({
    kind: choice(RULE_SWITCHES),
    fallback: 'off',
    reloadable: true,
    doc: 'Commands over guard.worker_commands or guard.address_commands. A worker or address that was quiet may send a burst: as many commands as its rate allows in 5s. ACK, FAIL, BEAT and END count, and always pass.',
    read: (config) => config.guard.commandRate,
  }),
  'guard.worker_commands': option({
    kind: integer(0, 1_000_000),
    fallback: 1000,
    reloadable: true,
    doc: 'Commands per second from one wid, for guard.command_rate. 0: no limit.',
    read: (config) => config.guard.workerCommands,
  }),
  'guard.address_commands': option({
    kind: integer(0, 1_000_000),
    fallback: 5000,
    reloadable: true,
    doc: 'Commands per second from one remote address, for guard.command_rate. 0: no limit.',
    read: (config) => config.guard.addressCommands,
  }),
  'guard.connection_rate': option({
    kind: choice(RULE_SWITCHES),
    fallback: 'off',
    reloadable: true,
    doc: 'New connections over guard.worker_connections or guard.address_connections. block: the connection is refused. A worker or address that was quiet may open a burst: as many connections as its rate allows in 5s.',
    read: (config) => config.guard.connectionRate,
  }),
  'guard.worker_connections': option({
    kind: integer(0, 1_000_000),
    fallback: 20,
    reloadable: true,
    doc: 'New connections per second from one wid, for guard.connection_rate. 0: no limit.',
    read: (config) => config.guard.workerConnections,
  }),
  'guard.address_connections': option({
    kind: integer(0, 1_000_000),
    fallback: 100,
    reloadable: true,
    doc: 'New connections per second from one remote address, for guard.connection_rate. 0: no limit.',
    read: (config) => config.guard.addressConnections,
  }),
  'shared_limits.redis_url': option({
    kind: sharedRedisUrl(),
    fallback: '',
    reloadable: false,
    doc: "URL of the Redis through which the bouncers share limits.server_connections. It need not be Faktory's. `redis+sentinel://` names Sentinels and what they call the primary, `redis+cluster://` nodes of a cluster. A user and a password in it are those of the Redis servers. Empty: the limit is this bouncer's alone.",
    read: (config) => config.sharedLimits.redisUrl,
  }),
  'shared_limits.redis_password_file': option({
    kind: filePath(),
    fallback: '',
    reloadable: false,
    doc: 'File with the password of that Redis. White space around it is ignored. Empty: the password of the URL is used, if it has one.',
    read: (config) => config.sharedLimits.redisPasswordFile,
  }),
  'shared_limits.key': option({
    kind: redisKey(),
    fallback: 'faktory-bouncer',
    reloadable: false,
    doc: 'Name of the shared limit: bouncers with the same key share one. It is a Redis key, with :limit appended.',
    read: (config) => config.sharedLimits.key,
  }),
  'shared_limits.replicas_expected': option({
    kind: integer(0, 1000),
    fallback: 0,
    reloadable: false,
    doc: 'The largest number of bouncers that run at the same time, including the additional ones of a rolling update. With more, the limit may be exceeded. It must be set if shared_limits.redis_url is.',
    read: (config) => config.sharedLimits.replicasExpected,
  }),
  'shared_limits.guaranteed': option({
    kind: integer(0, 100_000),
    fallback: 20,
    reloadable: false,
    doc: 'Server connections that each expected bouncer can always have, even if it starts while Redis is out of reach. They are lent to no other bouncer.',
    read: (config) => config.sharedLimits.guaranteed,
  }),
  'shared_limits.block': option({
    kind: integer(1, 10_000),
    fallback: 16,
    reloadable: false,
    doc: 'Places that a bouncer asks for, or gives back, at a time.',
    read: (config) => config.sharedLimits.block,
  }),
  'shared_limits.expiry': option({
    kind: duration('1s', '10m'),
    fallback: '10s',
    reloadable: false,
    doc: 'How long Redis counts the places of a bouncer that it does not hear from. A bouncer renews its lease ten times within this time.',
    read: (config) => config.sharedLimits.expiryMs,
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
    doc: 'Address or Unix socket of the admin HTTP server. Requests from other machines need the operator token, except for /metrics, /livez and /readyz.',
    read: (config) => config.admin.address,
  }),
  'admin.socket_mode': option({
    kind: fileMode(),
    fallback: '0600',
    reloadable: false,
    doc: 'Permissions of the Unix socket, if admin.address is one. A process that may write to the socket may read everything except secrets.',
    read: (config) => config.admin.socketMode,
  }),
  'admin.token_file': option({
    kind: filePath(),
    fallback: '',
    reloadable: false,
    doc: 'File that holds the operator token, which every action of the admin API needs. FAKTORY_BOUNCER_ADMIN_TOKEN can hold the token itself, and overrides the file. Without a token, the API is read-only.',
    read: (config) => config.admin.tokenFile,
  }),
  reload_on_change: option({
    kind: boolean(),
    fallback: false,
    reloadable: true,
    doc: 'Reload when the configuration file changes, or a file that FAKTORY_PASSWORD or an option names. SIGHUP reloads in any case.',
    read: (config) => config.reloadOnChange,
  }),
  'metrics.jobs': option({
    kind: choice(SWITCH),
    fallback: 'off',
    reloadable: false,
    doc: 'on: count jobs pushed, fetched, acknowledged and failed, and measure their run time, by queue and job type.',
    read: (config) => config.metrics.jobs,
  }),
  'metrics.jobs_max': option({
    kind: integer(1, 200),
    fallback: 20,
    reloadable: false,
    doc: 'Number of queues, and of job types, that have a label of their own: those with the most jobs. All others count as other.',
    read: (config) => config.metrics.jobsMax,
  }),
  'statsd.url': option({
    kind: statsdUrl(),
    fallback: '',
    reloadable: false,
    doc: 'URL of the receiver. Empty: DD_DOGSTATSD_URL is used, or else DD_DOGSTATSD_SOCKET. If neither is set, nothing is sent. A Unix socket needs the optional package koffi.',
    read: (config) => config.statsd.target,
  }),
  'statsd.interval': option({
    kind: duration('1s', '1h'),
    fallback: '10s',
    reloadable: false,
    doc: 'Interval between reports.',
    read: (config) => config.statsd.intervalMs,
  }),
  'statsd.prefix': option({
    kind: statsdPrefix(),
    fallback: 'faktory_bouncer.',
    reloadable: false,
    doc: "Text before the names of the bouncer's metrics.",
    read: (config) => config.statsd.prefix,
  }),
  'statsd.tags': option({
    kind: statsdTags(),
    fallback: '',
    reloadable: false,
    doc: 'Tags on every metric, separated by commas. DD_TAGS, DD_ENV, DD_SERVICE and DD_VERSION are added, and win over a tag of the same name.',
    read: (config) => config.statsd.tags,
  }),
  'statsd.legacy_names': option({
    kind: choice(LEGACY_NAMES),
    fallback: 'none',
    reloadable: false,
    doc: "enterprise: sends Faktory Enterprise's metrics too, under its names, for dashboards that were made for it. Leave it at none while Faktory itself sends them to the same receiver.",
    read: (config) => config.statsd.legacyNames,
  }),
  'statsd.legacy_prefix': option({
    kind: statsdPrefix(),
    fallback: 'faktory.',
    reloadable: false,
    doc: 'Text before the names of statsd.legacy_names. Faktory Enterprise 1.7.0 sent its names without a prefix.',
    read: (config) => config.statsd.legacyPrefix,
  }),
  'log.level': option({
    kind: choice(LOG_LEVELS),
    fallback: 'info',
    reloadable: true,
    doc: 'Least severe level that is logged.',
    read: (config) => config.log.level,
  }),
  'log.connections': option({
    kind: choice(CONNECTION_LINES),
    fallback: 'off',
    reloadable: true,
    doc: 'Which client connections write a log line at level info when they end. off: none; with log.level debug, every one, at level debug. sampled: one in log.connections_sample, at random. all: every one.',
    read: (config) => config.log.connections,
  }),
  'log.connections_sample': option({
    kind: integer(1, 1_000_000),
    fallback: 100,
    reloadable: true,
    doc: 'With log.connections: sampled, one in this many connections writes a line.',
    read: (config) => config.log.connectionsSample,
  }),
  'log.connections_per_second': option({
    kind: integer(1, 100_000),
    fallback: 100,
    reloadable: true,
    doc: 'Maximum number of lines per second that log.connections writes. Further lines are dropped, and the next line says how many.',
    read: (config) => config.log.connectionsPerSecond,
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
