// All client connections. Promise: each is in exactly one list, by role and state, and moves by one
// door; a count of clients is the size of a list.

import type { Visitor } from '../admission/admission.ts';
import type { Place } from '../admission/places.ts';
import type { Role } from '../admission/roles.ts';
import type { ClientFacts } from './client-facts.ts';
import { CLIENT_STATES, type ClientState } from './client-states.ts';

export type KnownRole = Role | 'unknown';
const KNOWN_ROLES: readonly KnownRole[] = ['unknown', 'producer', 'worker'];

/** A client connection as the lists know it. */
export interface ListedClient {
  /** The place of the server connection that it has for itself; null for none. */
  readonly place: Place | null;
  /** Since when it has nothing outstanding and says nothing, monotonic ms; null for one that is in use. */
  readonly idleSince: number | null;
  /** What it is to admission; null if it has asked for nothing, or has given it back. */
  readonly request: Visitor | null;
  /** What there is to tell of it now. */
  describe(): ClientFacts;
  /** It has been idle for too long, is one too many, or an operator ends it. */
  expire(reason: 'reclaimed' | 'idle_timeout' | 'evicted' | 'disconnected'): void;
  /** The bouncer stops, and it is this client's turn to leave. */
  drain(): void;
  /** The time for draining is over. */
  abandon(): void;
  /** Periodic, at `now` (monotonic ms). */
  checkStall(now: number): void;
}

type Lists = Record<KnownRole, Record<ClientState, Set<ListedClient>>>;

/** Where a client connection is. */
export interface Whereabouts {
  readonly role: KnownRole;
  readonly state: ClientState;
}

export class ClientConnections {
  readonly #lists: Lists;
  #peak = 0;

  constructor() {
    this.#lists = {} as Lists;
    for (const role of KNOWN_ROLES) {
      this.#lists[role] = {} as Lists[KnownRole];
      for (const state of CLIENT_STATES) this.#lists[role][state] = new Set();
    }
  }

  /** All that exist, those being refused included. */
  get size(): number {
    let size = 0;
    for (const state of CLIENT_STATES) size += this.count(state);
    return size;
  }

  /** Those that count for limits.clients: all but those that have been refused. */
  get admittable(): number {
    return this.size - this.count('refusing') - this.count('refused');
  }

  /** The most that ever counted for limits.clients. */
  get peak(): number {
    return this.#peak;
  }

  count(state: ClientState): number {
    let count = 0;
    for (const role of KNOWN_ROLES) count += this.#lists[role][state].size;
    return count;
  }

  /** Moves `client` from one list to another; null stands for "not here". */
  move(client: ListedClient, from: Whereabouts | null, to: Whereabouts | null): void {
    if (from !== null) this.#lists[from.role][from.state].delete(client);
    if (to !== null) this.#lists[to.role][to.state].add(client);
  }

  /** One has been let in, not refused: with those that are here it may be the most so far. */
  noteEntered(): void {
    this.#peak = Math.max(this.#peak, this.admittable);
  }

  /** Those that have read +OK, whatever their role. */
  *placed(): Generator<ListedClient, void, undefined> {
    for (const role of KNOWN_ROLES) {
      yield* this.#lists[role].unplaced;
      yield* this.#lists[role].open;
    }
  }

  *[Symbol.iterator](): Generator<ListedClient, void, undefined> {
    for (const role of KNOWN_ROLES) {
      for (const state of CLIENT_STATES) yield* this.#lists[role][state];
    }
  }

  counts(): Record<KnownRole, Record<ClientState, number>> {
    const counts = {} as Record<KnownRole, Record<ClientState, number>>;
    for (const role of KNOWN_ROLES) {
      counts[role] = {} as Record<ClientState, number>;
      for (const state of CLIENT_STATES) counts[role][state] = this.#lists[role][state].size;
    }
    return counts;
  }
}
