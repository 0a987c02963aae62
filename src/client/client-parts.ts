// What all client connections share.

import type { Admission } from '../admission/admission.ts';
import type { Door, DoorSettings } from '../admission/door.ts';
import type { FailedLogins } from '../admission/failed-logins.ts';
import type { Limits } from '../admission/limits.ts';
import type { BufferBudget } from '../base/buffer-budget.ts';
import type { Clock } from '../base/clock.ts';
import type { Deadlines } from '../base/deadlines.ts';
import type { Live } from '../base/live.ts';
import type { Wiring } from '../base/wire.ts';
import type { Approach } from '../base/wire-socket.ts';
import type { Lanes } from '../lanes/lanes.ts';
import type { ClientCounts } from './client-counts.ts';
import type { ClientEvents, ReplyWatch } from './client-events.ts';
import type { IdleClients } from './idle-clients.ts';
import type { ServerHealth } from '../server/health.ts';
import type { ClientConnections } from './client-connections.ts';
import type { CommandGuard, GuardingSettings } from './command-guard.ts';
import type { GateVisitor, HandshakeGate } from './handshake-gate.ts';
import type { PasswordCheck, Passwords } from './password-check.ts';

/** What an operator can change about clients while they are here. */
export interface ClientSettings extends GuardingSettings, DoorSettings, Passwords {
  readonly maxCommandBytes: number;
  readonly refusalDelayMs: number;
  /** From accept to HELLO. */
  readonly handshakeTimeoutMs: number;
  /** From HELLO to +OK. */
  readonly openingTimeoutMs: number;
  readonly keepaliveMs: number;
  readonly writeStallTimeoutMs: number;
  /** What may be held of all commands and replies together. */
  readonly bufferedBytes: number;
  /** How long a producer may say nothing; 0: as long as it likes. */
  readonly idleTimeoutMs: number;
  /** Whether a lowered limit closes clients that are idle. */
  readonly evict: 'none' | 'idle';
}

/** Whose time can be over. */
export interface Expiring {
  onHandshakeDeadline(): void;
  onOpeningDeadline(): void;
}

/**
 * What the next connection, from `address`, is read through first; null: nothing. `isWanted` is asked once about
 * the address that a header names, before anything is spent on TLS.
 */
export type ApproachOf = (
  address: string,
  isWanted: (address: string) => boolean,
) => Approach | null;

export interface ClientParts {
  readonly clock: Clock;
  readonly counts: ClientCounts;
  readonly settings: Live<ClientSettings>;
  readonly limits: Limits;
  readonly clients: ClientConnections;
  readonly door: Door;
  readonly admission: Admission;
  readonly idle: IdleClients;
  readonly lanes: Lanes;
  readonly health: ServerHealth;
  readonly passwordCheck: PasswordCheck;
  readonly failedLogins: FailedLogins;
  readonly budget: BufferBudget;
  readonly commandGuard: CommandGuard;
  readonly wiring: Wiring;
  readonly gate: HandshakeGate<GateVisitor>;
  /** From accept to a place in the handshake, and again from there to HELLO. */
  readonly handshakeDeadlines: Deadlines<Expiring>;
  /** From HELLO to +OK. */
  readonly openingDeadlines: Deadlines<Expiring>;
  /** From a FETCH that waits for a lane to its answer. */
  readonly fetchDeadlines: Deadlines<Expiring>;
  readonly approach: ApproachOf;
  readonly events: ClientEvents;
  /** Null: no metric needs the replies. */
  readonly watch: ReplyWatch | null;
}
