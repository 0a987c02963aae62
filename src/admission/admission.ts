// Who comes in, who waits, who is refused, among clients that have said HELLO. Promise: a decision
// is pure over counts; producers go first, then first come first served; nobody who may come in is
// still waiting when a call into here returns; whoever leaves takes every trace of itself along.

import { Line, type Seat } from '../base/line.ts';
import { Crowd } from './crowd.ts';
import type { Limits } from './limits.ts';
import { ROLES, type Role } from './roles.ts';
import type { LimitReason } from '../protocol/error-texts.ts';
import type { Place, Places } from './places.ts';

/** The limits that admission rests on. */
export type AdmissionLimits = Pick<
  Limits,
  'perWorker' | 'perAddress' | 'waitingLine' | 'areEnforced'
>;

/** A client as admission sees it. */
export interface Visitor {
  readonly role: Role;
  /** The worker's wid; null for a producer. */
  readonly worker: string | null;
  readonly address: string;
  /** Whether a server connection must be had for this client alone, asked at the moment of decision. */
  needsPlace(): boolean;
  /** Called when the visitor comes in after having waited. */
  admitted(place: Place | null): void;
}

/** Why a visitor cannot come in now: `now` of `limit` are taken. */
export interface Obstacle {
  readonly reason: LimitReason;
  readonly now: number;
  readonly limit: number;
}

export type Decision =
  /** `inSpiteOf`: with observeOnly, what would have stood in the way. */
  | { readonly kind: 'admitted'; readonly place: Place | null; readonly inSpiteOf: Obstacle | null }
  | { readonly kind: 'waiting' }
  | { readonly kind: 'refused'; readonly obstacle: Obstacle };

interface Wait {
  readonly seat: Seat<Visitor>;
  readonly since: number;
}

export class Admission {
  readonly #limits: AdmissionLimits;
  readonly #places: Places;
  readonly #admitted = new Set<Visitor>();
  readonly #waits = new Map<Visitor, Wait>();
  readonly #lines: Record<Role, Line<Visitor>> = { producer: new Line(), worker: new Line() };
  /** Admitted and waiting visitors per worker and per address, only for those with any. */
  readonly #byWorker = new Crowd();
  readonly #byAddress = new Crowd();
  /** Workers for which somebody was asked to give a place up; only while they wait. */
  readonly #hasAsked = new Set<string>();
  #isWaking = false;
  #mustWakeAgain = false;

  constructor(limits: AdmissionLimits, places: Places) {
    this.#limits = limits;
    this.#places = places;
    places.onFreed(() => this.wake());
    limits.perWorker.onRaised(() => this.wake());
    limits.perAddress.onRaised(() => this.wake());
  }

  /** Decides about a new visitor at `now` (monotonic ms). */
  arrive(visitor: Visitor, now: number): Decision {
    const obstacle = this.obstacle(visitor);
    if (obstacle === null || !this.#limits.areEnforced) {
      return { kind: 'admitted', place: this.#admit(visitor), inSpiteOf: obstacle };
    }
    const full = this.#lineIsFullFor(visitor, obstacle);
    if (full !== null) return { kind: 'refused', obstacle: full };
    this.#wait(visitor, now);
    this.#askForPlace(visitor, obstacle);
    return { kind: 'waiting' };
  }

  /** What stands in the visitor's way now, or null. */
  obstacle(visitor: Visitor): Obstacle | null {
    const perWorker = this.#limits.perWorker.value;
    const perAddress = this.#limits.perAddress.value;
    const ofWorker = visitor.worker === null ? 0 : this.#byWorker.inside(visitor.worker);
    if (ofWorker >= perWorker) {
      return { reason: 'per_worker', now: ofWorker, limit: perWorker };
    }
    const ofAddress = this.#byAddress.inside(visitor.address);
    if (ofAddress >= perAddress) {
      return { reason: 'per_address', now: ofAddress, limit: perAddress };
    }
    if (!visitor.needsPlace() || this.#places.hasRoomFor(visitor.role)) return null;
    const taken = this.#places.taken;
    const cap = this.#places.limits.serverConnections.value;
    if (taken >= cap) return { reason: 'server_connections', now: taken, limit: cap };
    return {
      reason: 'server_connections',
      now: this.#places.takenBy(visitor.role),
      limit: this.#places.shareOf(visitor.role),
    };
  }

  /** The visitor is gone, wherever it was; harmless for one that was never here. */
  leave(visitor: Visitor): void {
    this.#stopWaiting(visitor);
    if (!this.#admitted.delete(visitor)) return;
    if (visitor.worker !== null) this.#byWorker.leave(visitor.worker);
    this.#byAddress.leave(visitor.address);
    this.wake();
  }

  /** Lets in everybody in the waiting line who may come in now: producers, then first come. */
  wake(): void {
    if (this.#isWaking) {
      this.#mustWakeAgain = true;
      return;
    }
    this.#isWaking = true;
    try {
      do {
        this.#mustWakeAgain = false;
        for (const visitor of this.#lines.producer) this.#tryToAdmit(visitor);
        for (const visitor of this.#lines.worker) this.#tryToAdmit(visitor);
      } while (this.#mustWakeAgain);
    } finally {
      this.#isWaking = false;
    }
  }

  waiting(role: Role): number {
    return this.#lines[role].length;
  }

  /** Workers with at least one client that is in or waits. */
  get workers(): number {
    return this.#byWorker.size;
  }

  /** When the one who has waited longest began to; null with nobody waiting. */
  oldestSince(): number | null {
    let oldest: number | null = null;
    for (const role of ROLES) {
      const first = this.#lines[role].first;
      const since = first === undefined ? undefined : this.#waits.get(first)?.since;
      if (since !== undefined && (oldest === null || since < oldest)) oldest = since;
    }
    return oldest;
  }

  #tryToAdmit(visitor: Visitor): void {
    if (!this.#waits.has(visitor)) return;
    const obstacle = this.obstacle(visitor);
    if (obstacle !== null) {
      this.#askForPlace(visitor, obstacle);
      return;
    }
    this.#stopWaiting(visitor);
    visitor.admitted(this.#admit(visitor));
  }

  /** Once for each worker, however many clients of it wait, and whatever they waited for before. */
  #askForPlace({ worker }: Visitor, { reason }: Obstacle): void {
    if (worker === null || reason !== 'server_connections' || this.#hasAsked.has(worker)) return;
    this.#hasAsked.add(worker);
    this.#places.want();
  }

  #admit(visitor: Visitor): Place | null {
    this.#admitted.add(visitor);
    if (visitor.worker !== null) this.#byWorker.enter(visitor.worker);
    this.#byAddress.enter(visitor.address);
    return visitor.needsPlace() ? this.#places.take(visitor.role) : null;
  }

  /** One worker or address that is over its own cap may fill only as many seats as that cap. */
  #lineIsFullFor(visitor: Visitor, obstacle: Obstacle): Obstacle | null {
    const waitingLineSize = this.#limits.waitingLine.value;
    if (this.#waits.size >= waitingLineSize) {
      return { reason: 'waiting_line', now: this.#waits.size, limit: waitingLineSize };
    }
    const { reason, limit } = obstacle;
    if (reason === 'per_worker' && visitor.worker !== null) {
      return this.#crowdIsFull(this.#byWorker, visitor.worker, { reason, limit });
    }
    if (reason === 'per_address') {
      return this.#crowdIsFull(this.#byAddress, visitor.address, { reason, limit });
    }
    return null;
  }

  #crowdIsFull(crowd: Crowd, key: string, own: Omit<Obstacle, 'now'>): Obstacle | null {
    const waiting = crowd.waiting(key);
    return waiting >= own.limit ? { ...own, now: crowd.inside(key) + waiting } : null;
  }

  #wait(visitor: Visitor, now: number): void {
    this.#waits.set(visitor, { seat: this.#lines[visitor.role].join(visitor), since: now });
    if (visitor.worker !== null) this.#byWorker.wait(visitor.worker);
    this.#byAddress.wait(visitor.address);
  }

  #stopWaiting(visitor: Visitor): void {
    const wait = this.#waits.get(visitor);
    if (wait === undefined) return;
    wait.seat.leave();
    this.#waits.delete(visitor);
    if (visitor.worker !== null) {
      this.#byWorker.stopWaiting(visitor.worker);
      if (this.#byWorker.waiting(visitor.worker) === 0) this.#hasAsked.delete(visitor.worker);
    }
    this.#byAddress.stopWaiting(visitor.address);
  }
}
