// What all client connections share.

import type { Admission } from '../admission/admission.ts';
import type { Limits } from '../admission/limits.ts';
import type { Clock } from '../base/clock.ts';
import type { Deadlines } from '../base/deadlines.ts';
import type { Live } from '../base/live.ts';
import type { Wiring } from '../base/wire.ts';
import type { WireStage } from '../base/wire-socket.ts';
import type { Lanes } from '../lanes/lanes.ts';
import type { ClientCounts } from './client-counts.ts';
import type { ClientEvents } from './client-events.ts';
import type { IdleClients } from './idle-clients.ts';
import type { ServerHealth } from '../server/health.ts';
import type { BufferBudget } from './buffer-budget.ts';
import type { ClientConnections } from './client-connections.ts';
import type { GateVisitor, HandshakeGate } from './handshake-gate.ts';
import type { PasswordCheck } from './password-check.ts';

/** What an operator can change about clients while they are here. */
export interface ClientSettings {
  readonly maxCommandBytes: number;
  readonly refusalDelayMs: number;
  /** From accept to HELLO. */
  readonly handshakeTimeoutMs: number;
  /** From HELLO to +OK. */
  readonly openingTimeoutMs: number;
  readonly keepaliveMs: number;
  readonly writeStallTimeoutMs: number;
  /** What all clients together may have buffered. */
  readonly bufferedBytes: number;
  /** How long a producer may say nothing; 0: as long as it likes. */
  readonly idleTimeoutMs: number;
  /** What clients are asked for; empty: nothing. */
  readonly password: string;
}

/** Whose time can be over. */
export interface Expiring {
  onHandshakeDeadline(): void;
  onOpeningDeadline(): void;
}

export interface ClientParts {
  readonly clock: Clock;
  readonly counts: ClientCounts;
  readonly settings: Live<ClientSettings>;
  readonly limits: Limits;
  readonly clients: ClientConnections;
  readonly admission: Admission;
  readonly idle: IdleClients;
  readonly lanes: Lanes;
  readonly health: ServerHealth;
  readonly passwordCheck: PasswordCheck;
  readonly budget: BufferBudget;
  readonly wiring: Wiring;
  readonly gate: HandshakeGate<GateVisitor>;
  /** From accept to a place in the handshake, and again from there to HELLO. */
  readonly handshakeDeadlines: Deadlines<Expiring>;
  /** From HELLO to +OK. */
  readonly openingDeadlines: Deadlines<Expiring>;
  /** From a FETCH that waits for a lane to its answer. */
  readonly fetchDeadlines: Deadlines<Expiring>;
  /** What the next connection is read through first; null: nothing. */
  readonly nextStage: () => WireStage | null;
  /** Whether the bouncer is stopping. */
  readonly isDraining: () => boolean;
  readonly events: ClientEvents;
}
