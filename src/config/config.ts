// The configuration as the rest of the bouncer sees it: checked, complete and in base units (the
// unit is the last word of a name). A room takes the slice that it needs as a type; how the values
// came to be is left to the loader.

import type { Address, PortRange, SocketPath } from '../base/address.ts';

export type { Address, PortRange, SocketPath };

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

/** Everything an operator can choose. What each option means is said in `options.ts`. */
export interface Config {
  readonly listen: {
    readonly address: Address;
    readonly backlog: number;
    readonly reusePort: boolean;
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
    readonly infoIntervalMs: number;
  };
  readonly mode: Mode;
  readonly limits: {
    readonly clients: number;
    readonly handshakes: number;
    readonly serverConnections: number;
    readonly producerReserve: number;
    readonly fetchesInFlight: number;
    readonly commandsInFlight: number;
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
  readonly log: { readonly level: LogLevel };
}
