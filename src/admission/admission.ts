// Who comes in, who waits, who is refused. Promise: a decision is pure over counts and carries its
// reason; producers go first, then first come first served; no client that may come in still waits when
// a call into here returns, and a call looks only at those that may; nothing of a client
// remains here when it has left.

import { Pump, type PumpStep } from '../base/pump.ts';
import type { Refusal } from '../protocol/error-texts.ts';
import { Crowds } from './crowds.ts';
import type { Limits } from './limits.ts';
import { NextInLine } from './next-in-line.ts';
import type { Place, Places } from './places.ts';
import type { Role } from './roles.ts';
import { type Waiting, WaitingLine, type WaitReason } from './waiting-line.ts';

/** The limits that admission rests on. */
export type AdmissionLimits = Pick<
  Limits,
  'clients' | 'handshakes' | 'perWorker' | 'perAddress' | 'waitingLine' | 'areEnforced'
>;

/** A client that has sent HELLO, as admission sees it. */
export interface Visitor extends Waiting {
  /** Whether only its wid says that it is a worker, and no command has. */
  readonly isUnproven: boolean;
  /** What stood in its way when it came, if it had to wait; else null. */
  readonly waitedFor: Obstacle | null;
  /** Called when the visitor comes in after having waited. */
  admitted(place: Place | null): void;
  /** Called when, after having waited, its first command is to decide what it waits for. */
  undecided(): void;
}

/** Why a visitor cannot come in now, though it may wait: `now` of `limit` are taken. */
export interface Obstacle {
  readonly reason: WaitReason;
  readonly now: number;
  readonly limit: number;
}

export type DoorDecision =
  /** `inSpiteOf`: with observe_only, what would have stood in the way. */
  | { readonly kind: 'entered'; readonly inSpiteOf: Refusal | null }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

export type Decision =
  | { readonly kind: 'admitted'; readonly place: Place | null; readonly inSpiteOf: Obstacle | null }
  | { readonly kind: 'waiting'; readonly obstacle: Obstacle }
  /** It would have to wait for a place: its first command decides for which, a worker's or a producer's. */
  | { readonly kind: 'undecided' }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/** Places that are waited for. */
export interface PlacesWanted {
  /** Any place would do. */
  readonly any: number;
  /** Only a worker's would: workers hold all that they may. */
  readonly workers: number;
}

/** Whether Faktory can be had, as its health says. */
export interface ServerStanding {
  readonly isUp: boolean;
  /**
   * `login`, `tls`: it is there, and does not take the bouncer's login, or TLS does not work. `shared_limit`: it
   * may have no further connection until others have ended.
   */
  readonly obstacle: 'outage' | 'login' | 'tls' | 'shared_limit' | 'slow';
}

export class Admission {
  readonly #limits: AdmissionLimits;
  readonly #places: Places;
  readonly #admitted = new Set<Visitor>();
  readonly #line = new WaitingLine<Visitor>();
  /** Admitted and waiting visitors. */
  readonly #crowds: Crowds;
  readonly #nextInLine: NextInLine<Visitor>;
  /** Workers for which somebody was asked to give a place up; only while they wait. */
  readonly #hasAsked = new Set<string>();
  readonly #pump: Pump;

  /** `onBug` hears of a visitor that throws when it is let in; the others are let in all the same. */
  constructor(limits: AdmissionLimits, places: Places, onBug: (error: unknown) => void) {
    this.#limits = limits;
    this.#places = places;
    this.#crowds = new Crowds(limits);
    this.#nextInLine = new NextInLine(this.#line, this.#crowds, places);
    this.#pump = new Pump(() => this.#letNextIn(), onBug);
    places.onFreed(() => this.#pump.run());
    limits.perWorker.onRaised(() => this.#reconsider());
    limits.perAddress.onRaised(() => this.#reconsider());
  }

  /** Decides, with `clients` others here, about one that has just connected. */
  enter(clients: number): DoorDecision {
    const { value } = this.#limits.clients;
    if (clients < value) return { kind: 'entered', inSpiteOf: null };
    const refusal: Refusal = { reason: 'clients', now: clients, limit: value };
    if (this.#limits.clients.hasRoom(clients)) return { kind: 'entered', inSpiteOf: refusal };
    return { kind: 'refused', refusal };
  }

  /** Why one that has waited for its greeting too long is refused, with `greeted` in the handshake. */
  notGreeted(greeted: number): Refusal {
    return { reason: 'handshakes', now: greeted, limit: this.#limits.handshakes.value };
  }

  /** Why one whose time from HELLO to +OK is over is refused; null: it has not got to asking. */
  outOfTime(visitor: Visitor | null, server: ServerStanding): Refusal {
    const { isUp, obstacle } = server;
    if (visitor !== null && isUp) {
      const full = this.#line.has(visitor) ? this.obstacle(visitor) : null;
      if (full !== null) return full;
      // It has a place that may not be dialled for.
      if (obstacle === 'shared_limit') return this.#noRoomFor(visitor.role);
      // Its place came late: the wait for it took the time, not the dial.
      if (obstacle === 'slow' && visitor.waitedFor !== null) return visitor.waitedFor;
    }
    return { reason: 'unreachable', because: obstacle === 'shared_limit' ? 'slow' : obstacle };
  }

  /** Why one that is not in yet is refused when the bouncer stops. */
  stopping(): Refusal {
    return { reason: 'draining' };
  }

  /** Decides about a new visitor at `now` (monotonic ms). */
  arrive(visitor: Visitor, now: number): Decision {
    const obstacle = this.obstacle(visitor);
    if (obstacle === null || !this.#limits.areEnforced) {
      return { kind: 'admitted', place: this.#admit(visitor), inSpiteOf: obstacle };
    }
    if (isForItsFirstCommand(visitor, obstacle)) return { kind: 'undecided' };
    const refusal = this.#lineIsFullFor(visitor, obstacle);
    if (refusal !== null) return { kind: 'refused', refusal };
    this.#wait(visitor, obstacle, now);
    return { kind: 'waiting', obstacle };
  }

  /** What stands in the visitor's way now, or null. */
  obstacle(visitor: Visitor): Obstacle | null {
    const full = this.#crowds.fullFor(visitor);
    if (full !== null) return full;
    const { role } = visitor;
    if (!visitor.needsPlace(role) || this.#places.hasRoomFor(role)) return null;
    return this.#noRoomFor(role);
  }

  /** A producer with `place` shows that it is a worker; false if it must ask for a worker's place. */
  giveToWorker(place: Place): boolean {
    return this.#places.giveToWorker(place);
  }

  /** The visitor is gone, wherever it was; harmless for one that was never here. */
  leave(visitor: Visitor): void {
    this.#stopWaiting(visitor);
    if (!this.#admitted.delete(visitor)) return;
    const { wid, address } = visitor;
    this.#crowds.leave(visitor);
    if (wid !== null) this.#nextInLine.workerChanged(wid);
    this.#nextInLine.addressChanged(address);
    this.#pump.run();
  }

  /** How many more places are taken than the cap allows. */
  get placesOver(): number {
    return Math.max(0, this.#places.taken - this.#places.shareOf('producer'));
  }

  /** Whether the worker or the address of `visitor` has more clients in than it may. */
  isOverOwnLimit(visitor: Visitor): boolean {
    return this.#crowds.isOver(visitor);
  }

  /** How many more places would let in somebody who waits for one. */
  get placesWanted(): PlacesWanted {
    const workers = this.#line.waitingForPlace('worker');
    const within = Math.max(0, this.#places.shareOf('worker') - this.#places.takenBy('worker'));
    const any = this.#line.waitingForPlace('producer') + Math.min(workers, within);
    return { any, workers: Math.max(0, workers - within) };
  }

  waiting(role: Role): number {
    return this.#line.waiting(role);
  }

  /** The most that ever waited at a time. */
  get waitingPeak(): number {
    return this.#line.peak;
  }

  /** Workers with at least one client that is in or waits. */
  get workers(): number {
    return this.#crowds.workers;
  }

  /** When the one who has waited longest began to; null with nobody waiting. */
  oldestSince(): number | null {
    return this.#line.oldestSince;
  }

  #noRoomFor(role: Role): Obstacle {
    return { reason: 'server_connections', ...this.#places.fullFor(role) };
  }

  /** Lets one in, or finds that another obstacle stands in its way now. */
  #letNextIn(): PumpStep {
    const next = this.#nextInLine.next();
    if (next === null) return 'done';
    const { visitor } = next;
    const obstacle = this.obstacle(visitor);
    if (obstacle !== null && this.#limits.areEnforced) {
      if (isForItsFirstCommand(visitor, obstacle)) {
        this.#stopWaiting(visitor);
        visitor.undecided();
      } else {
        this.#line.move(next, obstacle.reason);
        this.#askForPlace(visitor, obstacle);
      }
      return 'more';
    }
    this.#stopWaiting(visitor);
    const place = this.#admit(visitor);
    // In pooled mode its place is enough for the others of its worker.
    if (visitor.wid !== null) this.#nextInLine.workerChanged(visitor.wid);
    visitor.admitted(place);
    return 'more';
  }

  /** Looks at all who wait, once: a limit has moved. */
  #reconsider(): void {
    this.#nextInLine.allChanged();
    this.#pump.run();
  }

  /** Once for each worker, however many clients of it wait, and whatever they waited for before. */
  #askForPlace({ wid }: Visitor, { reason }: Obstacle): void {
    if (wid === null || reason !== 'server_connections' || this.#hasAsked.has(wid)) return;
    this.#hasAsked.add(wid);
    this.#places.want();
  }

  #admit(visitor: Visitor): Place | null {
    this.#admitted.add(visitor);
    this.#crowds.enter(visitor);
    return visitor.needsPlace(visitor.role) ? this.#places.take(visitor.role) : null;
  }

  /** One worker or address that is over its own cap may fill only as many seats as that cap. */
  #lineIsFullFor(visitor: Visitor, obstacle: Obstacle): Refusal | null {
    const size = this.#limits.waitingLine.value;
    // If clients never wait, the refusal names the limit that is full, not the line.
    if (size === 0) return obstacle;
    if (this.#line.size >= size) {
      return { reason: 'waiting_line', now: this.#line.size, limit: size };
    }
    const { reason } = obstacle;
    return reason === 'server_connections'
      ? null
      : this.#crowds.waitRefused(visitor, { ...obstacle, reason });
  }

  #wait(visitor: Visitor, obstacle: Obstacle, now: number): void {
    this.#line.join(visitor, obstacle.reason, now);
    this.#crowds.wait(visitor);
    this.#askForPlace(visitor, obstacle);
  }

  #stopWaiting(visitor: Visitor): void {
    if (!this.#line.leave(visitor)) return;
    this.#crowds.stopWaiting(visitor);
    const { wid } = visitor;
    if (wid !== null && !this.#crowds.workerWaits(wid)) this.#hasAsked.delete(wid);
  }
}

function isForItsFirstCommand({ isUnproven }: Visitor, { reason }: Obstacle): boolean {
  return isUnproven && reason === 'server_connections';
}
