// The configuration as the rest of the bouncer sees it: checked, complete and in base units (the
// unit is the last word of a name). A room takes the slice that it needs as a type; how the values
// came to be is left to the loader.

import type { Address, AddressRange, PortRange, SocketPath } from '../base/address.ts';

import type { ListenTls, ServerTls, TlsVersion } from '../transport/tls-files.ts';

export type { Address, AddressRange, PortRange, SocketPath };

/** From the quietest to the loudest, then none at all. */
export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** How clients reach Faktory: a server connection each, or few of them shared. */
export const MODES = ['session', 'pooled'] as const;
export type Mode = (typeof MODES)[number];

/** Whether a rule acts, only tells what it would have done, or does nothing. */
export const RULE_MODES = ['off', 'log', 'on'] as const;
export type RuleMode = (typeof RULE_MODES)[number];

/** What a lowered limit does to those that are over it: they leave as they end, or are closed. */
export const EVICTIONS = ['none', 'idle'] as const;
export type EvictionName = (typeof EVICTIONS)[number];

/** For what costs something where it is on. */
export const SWITCH = ['off', 'on'] as const;
export type Switch = (typeof SWITCH)[number];

/** Where the statsd receiver is. */
export type StatsdTarget =
  | { readonly kind: 'udp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

/** Whose names go to statsd beside the bouncer's own. */
export const LEGACY_NAMES = ['none', 'enterprise'] as const;
export type LegacyNames = (typeof LEGACY_NAMES)[number];

/** Which client connections get a line in the log when they end. */
export const CONNECTION_LINES = ['off', 'sampled', 'all'] as const;
export type ConnectionLines = (typeof CONNECTION_LINES)[number];

/** What becomes of a command that breaks a rule of the guard: it passes; it passes and is logged; it does not pass. */
export const RULE_SWITCHES = ['off', 'log', 'block'] as const;
export type RuleSwitch = (typeof RULE_SWITCHES)[number];

/** Whether connections begin with a PROXY header. */
export const PROXY_PROTOCOLS = ['off', 'on', 'required'] as const;
export type ProxyProtocol = (typeof PROXY_PROTOCOLS)[number];

export const TLS_VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const satisfies readonly TlsVersion[];

/** Everything an operator can choose. What each option means is said in `options.ts`. */
export interface Config {
  readonly listen: {
    readonly address: Address;
    readonly backlog: number;
    readonly reusePort: boolean;
    readonly allow: readonly AddressRange[];
    readonly deny: readonly AddressRange[];
    readonly previousPasswordFile: string;
    /** What the file holds; empty for none. */
    readonly previousPassword: string;
    readonly proxyProtocol: ProxyProtocol;
    readonly proxyTrusted: readonly AddressRange[];
    /** Paths of files, empty for none; and what they held when the configuration was read. */
    readonly tls: {
      readonly certificate: string;
      readonly key: string;
      readonly clientCa: string;
      readonly minVersion: TlsVersion;
      readonly ticketKeyFile: string;
      /** Null: no TLS. */
      readonly loaded: ListenTls | null;
    };
  };
  readonly server: {
    readonly address: Address;
    readonly username: string;
    /** Empty when Faktory asks for none. */
    readonly password: string;
    /** Empty: the system picks. */
    readonly bindAddress: string;
    /** Null: the system picks. */
    readonly sourcePorts: PortRange | null;
    readonly connectTimeoutMs: number;
    readonly answerTimeoutMs: number;
    readonly infoIntervalMs: number;
    /** The URL asks for TLS. */
    readonly secure: boolean;
    /** Paths and a name, empty for none; and what the files held when the configuration was read. */
    readonly tls: {
      readonly ca: string;
      readonly serverName: string;
      readonly certificate: string;
      readonly key: string;
      /** Null: no TLS. */
      readonly loaded: ServerTls | null;
    };
  };
  /** Event loops that serve clients; above 1, each is a process of its own. */
  readonly processes: number;
  readonly mode: Mode;
  readonly limits: {
    readonly clients: number;
    readonly handshakes: number;
    readonly serverConnections: number;
    readonly producerReserve: number;
    readonly fetchesInFlight: number;
    readonly commandsInFlight: number;
    readonly adaptive: boolean;
    readonly adaptiveMin: number;
    readonly perWorker: number;
    readonly perAddress: number;
    readonly idleTimeoutMs: number;
    readonly bufferedBytes: number;
    readonly evict: EvictionName;
  };
  readonly waitingLine: { readonly size: number; readonly timeoutMs: number };
  readonly refusalDelayMs: number;
  readonly handshakeTimeoutMs: number;
  readonly maxCommandBytes: number;
  readonly keepaliveMs: number;
  readonly writeStallTimeoutMs: number;
  readonly drainTimeoutMs: number;
  readonly drainDelayMs: number;
  readonly observeOnly: boolean;
  readonly reloadOnChange: boolean;
  readonly pool: {
    readonly commandConnections: number;
    readonly fetchesPerWorker: number;
    readonly fetchesPerWorkerMax: number;
    readonly bulkPush: boolean;
    readonly outageWaitMs: number;
    readonly lingerMs: number;
    readonly holdMs: number;
  };
  readonly writes: {
    readonly lateReply: RuleMode;
    readonly hang: RuleMode;
    readonly refused: RuleMode;
    readonly probeIntervalMs: number;
  };
  readonly guard: {
    readonly bareVerb: RuleSwitch;
    readonly queueArguments: RuleSwitch;
    readonly reservedQueue: RuleSwitch;
    readonly flush: RuleSwitch;
    readonly mutate: RuleSwitch;
    readonly queueRemove: RuleSwitch;
    readonly trustedAddresses: readonly AddressRange[];
    readonly trustedUsernames: readonly string[];
    readonly payloadSize: RuleSwitch;
    readonly payloadBytes: number;
    readonly commandRate: RuleSwitch;
    readonly workerCommands: number;
    readonly addressCommands: number;
    readonly connectionRate: RuleSwitch;
    readonly workerConnections: number;
    readonly addressConnections: number;
  };
  /** One limit for several bouncers, through a Redis. */
  readonly sharedLimits: {
    /** Empty: the bouncer shares nothing. */
    readonly redisUrl: string;
    /** Empty: the URL's, if it has one. */
    readonly redisPasswordFile: string;
    /** What the file holds; empty for none. */
    readonly redisPassword: string;
    readonly key: string;
    /** 0: not set. */
    readonly replicasExpected: number;
    readonly guaranteed: number;
    readonly block: number;
    readonly expiryMs: number;
  };
  readonly redis: { readonly url: string; readonly intervalMs: number };
  readonly admin: {
    readonly address: Address | SocketPath;
    /** Permission bits of the Unix socket. */
    readonly socketMode: number;
    /** Empty: none. */
    readonly tokenFile: string;
    /** The operator token; empty: there is none, and nothing can be changed over HTTP. */
    readonly token: string;
  };
  readonly metrics: { readonly jobs: Switch; readonly jobsMax: number };
  readonly statsd: {
    /** Null: nothing is sent. */
    readonly target: StatsdTarget | null;
    readonly intervalMs: number;
    readonly prefix: string;
    /** `name:value`. */
    readonly tags: readonly string[];
    readonly legacyNames: LegacyNames;
    readonly legacyPrefix: string;
  };
  readonly log: {
    readonly level: LogLevel;
    readonly connections: ConnectionLines;
    /** With `sampled`: one of so many. */
    readonly connectionsSample: number;
    readonly connectionsPerSecond: number;
  };
}
