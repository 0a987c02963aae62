// The shape of "what is there now". Promise: every number is read from the live structures at the
// moment of the call, so that a gauge can never drift from what it describes.

import type { Role } from '../admission/roles.ts';
import type { ClientState } from '../client/client-states.ts';
import type { AdaptationFacts } from '../lanes/adaptation.ts';
import type { FaktoryInfo } from '../server/info.ts';
import type { RedisInfo } from '../redis/redis-info.ts';
import type { WriteStateName } from '../server/write-health.ts';
import type { House } from '../sharing/lease.ts';
import type { HolderState, LenderName } from '../sharing/sharing-counts.ts';
import type { WatchedCertificate } from '../transport/certificate-watch.ts';
import type { LaneName, ServerEndReason, ServerState } from '../server/server-states.ts';

export interface Snapshot {
  readonly draining: boolean;
  /** An operator has paused the bouncer. */
  readonly paused: boolean;
  /** That serve clients. */
  readonly processes: {
    /** Those that listen now. */
    readonly listening: number;
    /** Of them, those that do not answer the parent process. */
    readonly silent: number;
    /** How often one has ended and was started again. */
    readonly restarts: number;
  };
  readonly mode: 'session' | 'pooled';
  /** Client connections by role ('unknown' before HELLO) and state. */
  readonly clients: Record<Role | 'unknown', Record<ClientState, number>>;
  /** Client connections that no worker uses and that have sent nothing for a minute or more. */
  readonly unusedClients: number;
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
    readonly commandsInFlight: number;
    readonly waitingLine: number;
    readonly bufferedBytes: number;
  };
  /** The highest numbers since the start. */
  readonly peaks: {
    readonly clients: number;
    readonly serverConnections: number;
    readonly fetchesInFlight: number;
    readonly waitingLine: number;
  };
  readonly waitingLine: {
    readonly length: Record<Role, number>;
    readonly oldestWaitSeconds: number;
  };
  readonly fetches: { readonly inFlight: number; readonly waiting: number };
  /** Commands by lane: sent and unanswered, and waiting in the bouncer. Pooled mode only. */
  readonly commandLane: {
    readonly outstanding: number;
    readonly waiting: number;
    /** How long Faktory works on a quick command, ms; null while not known. */
    readonly commandMs: number | null;
  };
  /** What limits.adaptive has found; null while it is off. */
  readonly adaptation: AdaptationFacts | null;
  /** Whether acknowledgements mean anything, and the writes that wait until they do. */
  readonly writes: { readonly state: WriteStateName; readonly held: number };
  /** Workers (wids) with at least one admitted client. */
  readonly workers: number;
  /** Jobs that were meant for a client that is gone, until another has them or Faktory has confirmed that. */
  readonly strayJobs: number;
  readonly bufferedBytes: number;
  readonly faktory: {
    readonly up: boolean;
    readonly info: FaktoryInfo | null;
  };
  readonly redis: RedisInfo | null;
  /** This bouncer's part in a limit that several share, or that processes do; null where none is shared. */
  readonly sharedLimit: {
    readonly lender: LenderName;
    readonly state: HolderState;
    /** Places of the lease, the bouncer's own connection apart. */
    readonly leased: number;
    /** Of them, those that may be opened now; without the lender also the guaranteed ones. */
    readonly usable: number;
    /** All that share it together; null while the lender is out of reach. */
    readonly house: House | null;
    /** The most server connections that the others may have; null where house is. */
    readonly elsewhere: number | null;
    /** Why the lender did not answer last; null: it did. */
    readonly trouble: string | null;
  } | null;
  /** Certificates in force. */
  readonly certificates: readonly WatchedCertificate[];
  /** The last reason a server connection could not be had, for operators; null when up. */
  readonly lastFailure: ServerEndReason | null;
}
