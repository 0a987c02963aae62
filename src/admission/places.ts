// The cap on server connections. Promise: the number of places taken is the size of a set of
// places, so it cannot drift; it never exceeds the cap; workers never take the producers' share.

import type { Limits } from './limits.ts';
import { ROLES, type Role } from './roles.ts';

/** The limits that places rest on. */
export type PlaceLimits = Pick<Limits, 'serverConnections' | 'producerReserve'>;

/** The right to one server connection, from before its dial until the server has closed it. */
export class Place {
  readonly #places: Places;

  constructor(places: Places) {
    this.#places = places;
  }

  /** Whose it is; a producer's too where it has been given back. */
  get role(): Role {
    return this.#places.roleOf(this);
  }

  /** Whether it has not been given back. */
  get isTaken(): boolean {
    return this.#places.has(this);
  }

  /** Gives the place back; only the first call counts. */
  release(): void {
    this.#places.release(this);
  }
}

export class Places {
  readonly limits: PlaceLimits;
  readonly #freed: (() => void)[] = [];
  readonly #wanted: (() => void)[] = [];
  readonly #scarce: (() => void)[] = [];
  #peak = 0;
  readonly #taken: Record<Role, Set<Place>> = { producer: new Set(), worker: new Set() };

  constructor(limits: PlaceLimits) {
    this.limits = limits;
    limits.serverConnections.onRaised(() => this.#tell(this.#freed));
  }

  /** Calls `wake` after each time that a place became free. */
  onFreed(wake: () => void): void {
    this.#freed.push(wake);
  }

  /** Calls `tell` when the last place is taken, or one was wanted and there is none. */
  onScarce(tell: () => void): void {
    this.#scarce.push(tell);
  }

  /** Calls `yieldPlace` when a worker begins to wait for a place: whoever can spare one gives it back. */
  onWanted(yieldPlace: () => void): void {
    this.#wanted.push(yieldPlace);
  }

  /** A worker without a place waits for one. */
  want(): void {
    this.#tell(this.#wanted);
  }

  get taken(): number {
    return this.#taken.producer.size + this.#taken.worker.size;
  }

  /** The most that were ever taken. */
  get peak(): number {
    return this.#peak;
  }

  takenBy(role: Role): number {
    return this.#taken[role].size;
  }

  /** The most places that `role` may hold. */
  shareOf(role: Role): number {
    const all = this.limits.serverConnections.value;
    return role === 'producer' ? all : all - this.producerReserve;
  }

  /**
   * The places that workers leave to producers. Of a lease it is the part that the reserve is of the
   * whole limit: the bouncers that share it keep the whole reserve together.
   */
  get producerReserve(): number {
    const { serverConnections, producerReserve } = this.limits;
    const leased = serverConnections.of('leased');
    const whole = serverConnections.of('configured');
    if (leased >= whole) return producerReserve.current;
    return Math.ceil((producerReserve.current * leased) / whole);
  }

  /** Whether `role` may take a place now. */
  hasRoomFor(role: Role): boolean {
    return (
      this.taken < this.limits.serverConnections.value &&
      this.#taken[role].size < this.shareOf(role)
    );
  }

  /** What `role` has run out of: `now` of `limit` places are taken. */
  fullFor(role: Role): { readonly now: number; readonly limit: number } {
    const cap = this.limits.serverConnections.value;
    if (this.taken >= cap) return { now: this.taken, limit: cap };
    return { now: this.takenBy(role), limit: this.shareOf(role) };
  }

  /** Takes a place, or null if there is none for `role`. */
  take(role: Role): Place | null {
    if (!this.hasRoomFor(role) && this.limits.serverConnections.isEnforced) {
      this.#tell(this.#scarce);
      return null;
    }
    const place = new Place(this);
    this.#taken[role].add(place);
    this.#peak = Math.max(this.#peak, this.taken);
    if (!this.hasRoomFor(role)) this.#tell(this.#scarce);
    return place;
  }

  release(place: Place): void {
    const { producer, worker } = this.#taken;
    if (producer.delete(place) || worker.delete(place)) this.#tell(this.#freed);
  }

  /** Makes a producer's place a worker's; false where workers hold all that they may. */
  giveToWorker(place: Place): boolean {
    const { producer, worker } = this.#taken;
    if (this.limits.serverConnections.isEnforced && worker.size >= this.shareOf('worker')) {
      return false;
    }
    if (!producer.delete(place)) return false;
    worker.add(place);
    return true;
  }

  roleOf(place: Place): Role {
    return this.#taken.worker.has(place) ? 'worker' : 'producer';
  }

  has(place: Place): boolean {
    return this.#taken.producer.has(place) || this.#taken.worker.has(place);
  }

  #tell(listeners: readonly (() => void)[]): void {
    for (const listener of listeners) listener();
  }

  counts(): Record<Role, number> {
    const counts: Record<Role, number> = { producer: 0, worker: 0 };
    for (const role of ROLES) counts[role] = this.#taken[role].size;
    return counts;
  }
}
