// The cap on server connections. Promise: the number of places taken is the size of a set of
// places, so it cannot drift; it never exceeds the cap; workers never take the producers' share.

import { ROLES, type Role } from './roles.ts';

export interface PlaceLimits {
  /** All server connections together. */
  readonly serverConnections: number;
  /** Of them, those that only producers may take. */
  readonly producerReserve: number;
  /** Hand out places past the cap, to see what the cap would do. */
  readonly observeOnly: boolean;
}

/** The right to one server connection, from before its dial until the server has closed it. */
export class Place {
  readonly role: Role;
  readonly #places: Places;

  constructor(role: Role, places: Places) {
    this.role = role;
    this.#places = places;
  }

  /** Gives the place back; only the first call counts. */
  release(): void {
    this.#places.release(this);
  }
}

export class Places {
  readonly limits: PlaceLimits;
  /** Called after a place was given back. */
  onFreed: () => void = () => {};
  /** Called when a worker without a place begins to wait for one: whoever can spare one gives it back. */
  onWanted: () => void = () => {};
  readonly #taken: Record<Role, Set<Place>> = { producer: new Set(), worker: new Set() };

  constructor(limits: PlaceLimits) {
    this.limits = limits;
  }

  get taken(): number {
    return this.#taken.producer.size + this.#taken.worker.size;
  }

  takenBy(role: Role): number {
    return this.#taken[role].size;
  }

  /** The most places that `role` may hold. */
  shareOf(role: Role): number {
    const { serverConnections, producerReserve } = this.limits;
    return role === 'producer' ? serverConnections : serverConnections - producerReserve;
  }

  /** Whether `role` may take a place now. */
  hasRoomFor(role: Role): boolean {
    return (
      this.taken < this.limits.serverConnections && this.#taken[role].size < this.shareOf(role)
    );
  }

  /** Takes a place, or null where there is none for `role`. */
  take(role: Role): Place | null {
    if (!this.hasRoomFor(role) && !this.limits.observeOnly) return null;
    const place = new Place(role, this);
    this.#taken[role].add(place);
    return place;
  }

  release(place: Place): void {
    if (this.#taken[place.role].delete(place)) this.onFreed();
  }

  counts(): Record<Role, number> {
    const counts: Record<Role, number> = { producer: 0, worker: 0 };
    for (const role of ROLES) counts[role] = this.#taken[role].size;
    return counts;
  }
}
