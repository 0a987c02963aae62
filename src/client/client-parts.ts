// What all client connections share.

import type { Admission } from '../admission/admission.ts';
import type { Place } from '../admission/places.ts';
import type { Clock } from '../base/clock.ts';
import type { Deadlines } from '../base/deadlines.ts';
import type { Lingering } from '../base/lingering.ts';
import type { Lane, LaneClient } from '../lanes/lane.ts';
import type { RefusalReason } from '../admission/outcomes.ts';
import type { ClientCounts } from './client-counts.ts';
import type { ClientEndReason } from './client-states.ts';
import type { Hello } from '../protocol/hello.ts';
import type { BufferBudget } from './buffer-budget.ts';
import type { ClientConnection } from './client-connection.ts';
import type { ClientConnections } from './client-connections.ts';
import type { HandshakeGate } from './handshake-gate.ts';
import type { PasswordCheck } from './password-check.ts';

export interface ClientLimits {
  /** All client connections; past it a new one is refused in place of HI. */
  readonly clients: number;
  readonly maxCommandBytes: number;
  readonly refusalDelayMs: number;
  readonly keepaliveMs: number;
  readonly writeStallTimeoutMs: number;
  /** Count what limits.clients would refuse, and let it through. */
  readonly observeOnly: boolean;
}

/** Opens lanes for admitted clients. */
export interface LaneOpener {
  /** Whether a client of `worker` (null: a producer) needs a server connection of its own. */
  needsPlace(worker: string | null): boolean;
  open(client: LaneClient, hello: Hello, place: Place | null): Lane;
  /** Whether Faktory was there when last tried. */
  readonly serverIsUp: boolean;
  /** Whether Faktory, when last tried, refused the bouncer's login. */
  readonly serverRefusedUs: boolean;
}

export interface ClientParts {
  readonly clock: Clock;
  readonly counts: ClientCounts;
  readonly limits: ClientLimits;
  readonly clients: ClientConnections;
  readonly admission: Admission;
  readonly lanes: LaneOpener;
  readonly passwordCheck: PasswordCheck;
  readonly budget: BufferBudget;
  readonly lingering: Lingering;
  readonly gate: HandshakeGate<ClientConnection>;
  /** From accept to HELLO. */
  readonly handshakeDeadlines: Deadlines<ClientConnection>;
  /** From HELLO to +OK. */
  readonly openingDeadlines: Deadlines<ClientConnection>;
  /** Whether the bouncer is stopping. */
  readonly isDraining: () => boolean;
  readonly onRefused: (reason: RefusalReason, text: string) => void;
  readonly onEnded: (reason: ClientEndReason, role: string, seconds: number) => void;
  readonly onBug: (error: unknown) => void;
}
