// All that clients share, and the door by which they come in. Promise: every connection that is
// accepted becomes a client connection at once; the clients of one bouncer know each other only here.

import type { Admission } from '../admission/admission.ts';
import type { Limits } from '../admission/limits.ts';
import type { Clock } from '../base/clock.ts';
import { Deadlines } from '../base/deadlines.ts';
import type { Hasher } from '../base/hasher.ts';
import type { Live } from '../base/live.ts';
import type { WireSocket, Wiring } from '../base/wire.ts';
import type { Lanes } from '../lanes/lanes.ts';
import type { ServerHealth } from '../server/health.ts';
import type { BufferBudget } from './buffer-budget.ts';
import { ClientConnection } from './client-connection.ts';
import { ClientConnections } from './client-connections.ts';
import type { ClientCounts } from './client-counts.ts';
import type { ClientEvents, ClientParts, ClientSettings, Expiring } from './client-parts.ts';
import { type GateVisitor, HandshakeGate } from './handshake-gate.ts';
import { PasswordCheck } from './password-check.ts';

/** How long Faktory's FETCH blocks (v1.7.0 manager/fetch.go); real clients read no longer than that. */
const FETCH_WAIT_MS = 2000;

export interface ClientsParts {
  readonly clock: Clock;
  readonly counts: ClientCounts;
  readonly settings: Live<ClientSettings>;
  readonly limits: Limits;
  readonly admission: Admission;
  readonly lanes: Lanes;
  readonly health: ServerHealth;
  readonly hasher: Hasher;
  readonly budget: BufferBudget;
  readonly wiring: Wiring;
  readonly events: ClientEvents;
}

export class Clients {
  readonly #connections = new ClientConnections();
  readonly #parts: ClientParts;
  #isDraining = false;

  constructor(parts: ClientsParts) {
    const { clock, settings } = parts;
    this.#parts = {
      ...parts,
      clients: this.#connections,
      passwordCheck: new PasswordCheck(settings, parts.hasher),
      gate: new HandshakeGate<GateVisitor>(parts.limits.handshakes, (error) =>
        parts.events.bug(error),
      ),
      handshakeDeadlines: new Deadlines<Expiring>(
        clock,
        () => settings.current.handshakeTimeoutMs,
        (client) => client.onHandshakeDeadline(),
      ),
      openingDeadlines: new Deadlines<Expiring>(
        clock,
        () => settings.current.openingTimeoutMs,
        (client) => client.onOpeningDeadline(),
      ),
      fetchDeadlines: new Deadlines<Expiring>(
        clock,
        () => Math.min(FETCH_WAIT_MS, settings.current.openingTimeoutMs),
        (client) => client.onOpeningDeadline(),
      ),
      isDraining: () => this.#isDraining,
    };
  }

  /** All that exist, those being refused included. */
  get size(): number {
    return this.#connections.size;
  }

  accept(socket: WireSocket): void {
    new ClientConnection(this.#parts, socket).start();
  }

  /** Ends the clients that have nothing outstanding; the others end with their last reply. */
  drain(): void {
    this.#isDraining = true;
    for (const client of [...this.#connections]) client.drain();
  }

  /** Ends those that are left. */
  abandon(): void {
    for (const client of [...this.#connections]) client.abandon();
  }

  /** Ends, at `now` (monotonic ms), those that hold up the others and do not go on. */
  checkStalls(now: number): void {
    for (const client of this.#connections) client.checkStall(now);
  }

  counts(): ReturnType<ClientConnections['counts']> {
    return this.#connections.counts();
  }
}
