// What all server connections share. Promise: every connection that exists is in `all`, from its
// place on until its end; nothing else is.

import type { Clock } from '../base/clock.ts';
import type { Hasher } from '../base/hasher.ts';
import type { Lingering } from '../base/lingering.ts';
import type { ServerCounts } from './server-counts.ts';
import type { Dialler } from './dialler.ts';
import type { ServerConnection } from './server-connection.ts';

/** Where Faktory is and how to get there. */
export interface ServerTarget {
  readonly host: string;
  readonly port: number;
  /** Empty: none. */
  readonly password: string;
  /** Most time from dial to +OK. */
  readonly connectTimeoutMs: number;
  /** Idle time before TCP keepalive probes; 0: none. */
  readonly keepaliveMs: number;
  /** How long Faktory may take nothing of what is written; 0: no bound. */
  readonly writeStallTimeoutMs: number;
}

export interface ServerParts {
  readonly target: ServerTarget;
  readonly clock: Clock;
  readonly counts: ServerCounts;
  readonly hasher: Hasher;
  readonly dialler: Dialler;
  readonly lingering: Lingering;
  /** Faktory answered the handshake with an error, or is not Faktory; for the log. */
  readonly onHandshakeRefused: (what: string) => void;
  readonly onBug: (error: unknown) => void;
  readonly forget: (connection: ServerConnection) => void;
}
