// The shape of "what is there now". Promise: every number is read from the live structures at the
// moment of the call, so that a gauge can never drift from what it describes.

import type { Role, ServerEndReason } from './counts.ts';

export const CLIENT_STATES = [
  'accepted',
  'handshake',
  'authenticating',
  'waiting',
  'opening',
  'open',
  'refusing',
  'closing',
] as const;
/** The one list that a client connection is in. */
export type ClientState = (typeof CLIENT_STATES)[number];

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

/** What Faktory's own INFO said last; null before the first answer. */
export interface FaktoryInfo {
  readonly version: string;
  readonly uptimeSeconds: number;
  readonly connections: number;
  readonly commands: number;
  readonly queues: number;
  readonly enqueued: number;
  readonly processed: number;
  readonly failures: number;
}

/** What Redis's own INFO said last. */
export interface RedisInfo {
  readonly connectedClients: number;
  readonly blockedClients: number;
  readonly maxClients: number;
  readonly usedMemoryBytes: number;
  readonly maxMemoryBytes: number;
  readonly rejectedConnections: number;
}

export interface Snapshot {
  readonly draining: boolean;
  readonly mode: 'session' | 'pooled';
  /** Client connections by role ('unknown' before HELLO) and state. */
  readonly clients: Record<Role | 'unknown', Record<ClientState, number>>;
  /** Server connections by lane and state; their sum never exceeds limits.server_connections. */
  readonly servers: Record<LaneName, Record<ServerState, number>>;
  /** Places of the server connection cap in use, by the class that took them. */
  readonly placesTaken: Record<Role, number>;
  readonly limits: {
    readonly clients: number;
    readonly handshakes: number;
    readonly serverConnections: number;
    readonly producerReserve: number;
    readonly fetchesInFlight: number;
    readonly waitingLine: number;
    readonly bufferedBytes: number;
  };
  readonly waitingLine: {
    readonly length: Record<Role, number>;
    readonly oldestWaitSeconds: number;
  };
  readonly fetches: { readonly inFlight: number; readonly waiting: number };
  /** Commands by lane: sent and unanswered, and waiting in the bouncer. Pooled mode only. */
  readonly commandLane: { readonly outstanding: number; readonly waiting: number };
  /** Workers (wids) with at least one admitted client. */
  readonly workers: number;
  /** Jobs in hand that were meant for a client that is gone. */
  readonly strayJobs: number;
  readonly bufferedBytes: number;
  readonly faktory: {
    readonly up: boolean;
    readonly info: FaktoryInfo | null;
  };
  readonly redis: RedisInfo | null;
  /** The last reason a server connection could not be had, for operators; null when up. */
  readonly lastFailure: ServerEndReason | null;
}
