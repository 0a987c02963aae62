// What all server connections share, and who hears what becomes of them.

import type { Address } from '../base/address.ts';
import type { BufferBudget } from '../base/buffer-budget.ts';
import type { Clock } from '../base/clock.ts';
import type { Hasher } from '../base/hasher.ts';
import type { Live } from '../base/live.ts';
import type { Dial, LocalEnd, SecureDial } from '../base/network.ts';
import type { Wiring } from '../base/wire.ts';
import type { ServerCounts } from './server-counts.ts';
import type { DialPermits } from './dial-permits.ts';
import type { Dialler } from './dialler.ts';
import type { ServerHealth } from './health.ts';
import type { DialFailure, DialReason, LaneName } from './server-states.ts';

/** Where Faktory is, how to get there, and what an operator can change about it meanwhile. */
export interface ServerSettings {
  readonly address: Address;
  /** Where dials leave from. */
  readonly local: LocalEnd;
  /** Null: plain TCP. */
  readonly secure: SecureDial | null;
  /** Empty: none. */
  readonly password: string;
  /** Most time from dial to +OK. */
  readonly connectTimeoutMs: number;
  /** How long Faktory may owe an answer on one connection while it gives others; 0: no bound. */
  readonly answerTimeoutMs: number;
  /** How often the bouncer asks Faktory for INFO; 0: never. */
  readonly infoIntervalMs: number;
  /** Idle time before TCP keepalive probes; 0: none. */
  readonly keepaliveMs: number;
  /** How long Faktory may take nothing of what is written; 0: no bound. */
  readonly writeStallTimeoutMs: number;
}

/** Who hears what becomes of dials; for the log. */
export interface ServerEvents {
  dialStarted(lane: LaneName, reason: DialReason): void;
  dialFailed(failure: DialFailure): void;
  /** Faktory answered the handshake with an error, or is not Faktory. */
  handshakeRefused(what: string): void;
}

export interface ServerParts {
  readonly settings: Live<ServerSettings>;
  readonly clock: Clock;
  readonly dial: Dial;
  readonly wiring: Wiring;
  readonly budget: Pick<BufferBudget, 'replies'>;
  readonly counts: ServerCounts;
  readonly hasher: Pick<Hasher, 'iteratedSha256'>;
  readonly dialler: Dialler;
  readonly permits: DialPermits;
  readonly health: ServerHealth;
  readonly events: ServerEvents;
  /** `connection` is over. */
  readonly forget: (connection: object) => void;
}
