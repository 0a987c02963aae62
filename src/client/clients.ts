// All that clients share, and the door by which they come in. Promise: every connection that is
// accepted becomes a client connection at once; the clients of one bouncer know each other only here.

import type { Admission } from '../admission/admission.ts';
import type { Limits } from '../admission/limits.ts';
import type { BufferBudget } from '../base/buffer-budget.ts';
import type { Clock } from '../base/clock.ts';
import { Deadlines } from '../base/deadlines.ts';
import type { Hasher } from '../base/hasher.ts';
import type { Live } from '../base/live.ts';
import type { Wiring } from '../base/wire.ts';
import type { WireSocket } from '../base/wire-socket.ts';
import type { Lanes } from '../lanes/lanes.ts';
import type { ServerHealth } from '../server/health.ts';
import { ClientConnection } from './client-connection.ts';
import { ClientConnections } from './client-connections.ts';
import { type ClientChoice, type ClientFacts, isChosen } from './client-facts.ts';
import type { ClientCounts } from './client-counts.ts';
import type { ClientEvents, ReplyWatch } from './client-events.ts';
import type { ApproachOf, ClientParts, ClientSettings, Expiring } from './client-parts.ts';
import { Departure } from './departure.ts';
import { Eviction } from './eviction.ts';
import { Door } from '../admission/door.ts';
import { FailedLogins } from '../admission/failed-logins.ts';
import { CommandGuard } from './command-guard.ts';
import { IdleClients } from './idle-clients.ts';
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
  readonly approach: ApproachOf;
  readonly events: ClientEvents;
  /** Null: no metric needs the replies. */
  readonly watch: ReplyWatch | null;
}

export class Clients {
  readonly #connections = new ClientConnections();
  readonly #idle: IdleClients;
  readonly #eviction: Eviction;
  #accepted = 0;
  readonly #parts: ClientParts;

  constructor(parts: ClientsParts) {
    const { clock, settings } = parts;
    const failedLogins = new FailedLogins();
    this.#idle = new IdleClients({ ...parts, clients: this.#connections });
    this.#eviction = new Eviction({ ...parts, clients: this.#connections });
    this.#parts = {
      ...parts,
      clients: this.#connections,
      idle: this.#idle,
      door: new Door(settings),
      commandGuard: new CommandGuard(parts),
      passwordCheck: new PasswordCheck(settings, parts.hasher),
      failedLogins,
      gate: new HandshakeGate<GateVisitor>({
        limit: parts.limits.handshakes,
        isSlowed: (address) => failedLogins.isSlowed(address, clock.now()),
        onBug: (error) => parts.events.bug(error),
      }),
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
    };
  }

  /** All that exist, those being refused included. */
  get size(): number {
    return this.#connections.size;
  }

  /** Those that count for limits.clients. */
  get admittable(): number {
    return this.#connections.admittable;
  }

  accept(socket: WireSocket): void {
    this.#accepted += 1;
    new ClientConnection(this.#parts, socket, this.#accepted).start();
  }

  /** The bouncer stops: refuses those that are not in yet; the others leave in turns, over `spreadMs` at most. */
  depart(spreadMs: number): Departure {
    const placed = [...this.#connections.placed()];
    const isPlaced = new Set(placed);
    for (const client of [...this.#connections]) if (!isPlaced.has(client)) client.drain();
    return new Departure(placed, spreadMs);
  }

  /** Ends those that are left. */
  abandon(): void {
    for (const client of [...this.#connections]) client.abandon();
  }

  /** Periodic, at `now` (monotonic ms): ends those that hold up the others, or are idle for too long. */
  check(now: number): void {
    for (const client of this.#connections) client.checkStall(now);
    this.#idle.check(now);
    this.#eviction.check(now);
    this.#idle.makeRoom();
  }

  /** Clients that have been idle for a minute or more at `now` (monotonic ms). */
  unused(now: number): number {
    return this.#idle.unused(now);
  }

  /** The most that ever counted for limits.clients. */
  get peak(): number {
    return this.#connections.peak;
  }

  /** What there is to tell of each that exists. */
  *facts(): Generator<ClientFacts, void, undefined> {
    for (const client of this.#connections) yield client.describe();
  }

  /** Ends those that `choice` means, whatever they have outstanding; returns how many. */
  disconnect(choice: ClientChoice): number {
    let ended = 0;
    for (const client of [...this.#connections]) {
      const facts = client.describe();
      if (isParting(facts) || !isChosen(facts, choice)) continue;
      client.expire('disconnected');
      ended += 1;
    }
    return ended;
  }

  counts(): ReturnType<ClientConnections['counts']> {
    return this.#connections.counts();
  }
}

/** It holds nothing any more, and closes by itself. */
function isParting({ state }: ClientFacts): boolean {
  return state === 'refusing' || state === 'refused' || state === 'closing';
}
