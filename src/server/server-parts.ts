// What all server connections share. Promise: every connection that exists is in `all`, from its
// place on until its end; nothing else is.

import type { Address } from '../base/address.ts';
import type { Clock } from '../base/clock.ts';
import type { Hasher } from '../base/hasher.ts';
import type { Lingering } from '../base/lingering.ts';
import type { Live } from '../base/live.ts';
import type { Dial } from '../base/network.ts';
import type { ServerCounts } from './server-counts.ts';
import type { Dialler } from './dialler.ts';
import type { ServerConnection } from './server-connection.ts';

/** Where Faktory is, how to get there, and what an operator can change about it meanwhile. */
export interface ServerSettings {
  readonly address: Address;
  /** Empty: none. */
  readonly password: string;
  /** Most time from dial to +OK. */
  readonly connectTimeoutMs: number;
  /** How often the bouncer asks Faktory for INFO; 0: never. */
  readonly infoIntervalMs: number;
  /** Idle time before TCP keepalive probes; 0: none. */
  readonly keepaliveMs: number;
  /** How long Faktory may take nothing of what is written; 0: no bound. */
  readonly writeStallTimeoutMs: number;
}

export interface ServerParts {
  readonly settings: Live<ServerSettings>;
  readonly clock: Clock;
  readonly dial: Dial;
  readonly counts: ServerCounts;
  readonly hasher: Hasher;
  readonly dialler: Dialler;
  readonly lingering: Lingering;
  /** Faktory answered the handshake with an error, or is not Faktory; for the log. */
  readonly onHandshakeRefused: (what: string) => void;
  readonly onBug: (error: unknown) => void;
  readonly forget: (connection: ServerConnection) => void;
}
