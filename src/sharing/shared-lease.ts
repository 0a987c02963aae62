// Holds a lease for one bouncer: asks in time, tells the limit what it may, and takes part in the fence.
// Promise: one request is outstanding at a time, and one goes at least with each heartbeat; the limit
// follows the holder within the turn in which something comes, and mayDial() at the instant itself.

import type { Clock, Timer } from '../base/clock.ts';
import { FenceWatch } from './fence-watch.ts';
import { Holder } from './holder.ts';
import type { HolderState, LeaseOutcome } from './sharing-counts.ts';
import {
  fairShare,
  type House,
  type LeasePort,
  type LeaseReply,
  type LeaseRequest,
  mayHaveElsewhere,
  type Terms,
} from './lease.ts';
import type { LeaseTiming } from './timing.ts';
import { wantsOf } from './wants.ts';

/** What the bouncer has, apart from its own connection. */
export interface Taken {
  /** Connections, from before the dial until Faktory's close. */
  readonly used: number;
  /** Places that are taken, for connections that exist or are to come. */
  readonly taken: number;
  /** Places that clients wait for. */
  readonly waiting: number;
}

export interface SharedLeaseParts {
  readonly clock: Clock;
  readonly timing: LeaseTiming;
  readonly terms: Terms;
  readonly block: number;
  readonly newId: () => string;
  readonly port: LeasePort;
  readonly taken: () => Taken;
  /**
   * Asks Faktory for its count over the bouncer's own connection, and calls `done` once, with null if
   * it cannot be had.
   */
  readonly count: (done: (count: number | null) => void) => void;
  readonly listener: LeaseListener;
}

/** See fence-watch.ts. */
export type ConnectionWatch = Pick<FenceWatch, 'opened' | 'answered' | 'closed'>;

export interface LeaseListener {
  /** The most places that may be taken now, apart from the bouncer's own. */
  onPlaces(places: number): void;
  onState(state: HolderState): void;
  onOutcome(outcome: LeaseOutcome): void;
}

export class SharedLease {
  readonly #parts: SharedLeaseParts;
  readonly #holder: Holder;
  readonly #fence = new FenceWatch();
  #outstanding: LeaseRequest | null = null;
  #isRunning = false;
  #beat: Timer | null = null;
  #soon: Timer | null = null;
  #end: Timer | null = null;
  #state: HolderState = 'starting';
  #places = 0;
  #house: House | null = null;
  #elsewhere = 0;

  constructor(parts: SharedLeaseParts) {
    this.#parts = parts;
    const { timing, terms, newId, clock } = parts;
    this.#holder = new Holder({ timing, terms, newId, startedAt: clock.now() });
  }

  get state(): HolderState {
    return this.#state;
  }

  /** What may be opened now. */
  get usable(): number {
    return this.#places;
  }

  /** Places of the lease; what may be opened can be fewer. */
  get leased(): number {
    return this.#holder.places;
  }

  /** All bouncers, as Redis told last; null before, and while Redis is out of reach. */
  get house(): House | null {
    return this.#house;
  }

  /** The most server connections that other bouncers may have; null while that is not known. */
  get elsewhere(): number | null {
    return this.#house === null ? null : this.#elsewhere;
  }

  /** Whether one more connection may be dialled with `used` there, apart from the bouncer's own. */
  mayDial(used: number): boolean {
    return used < this.#holder.placesAt(this.#parts.clock.now());
  }

  start(): void {
    this.#isRunning = true;
    this.#parts.listener.onPlaces(0);
    this.#update();
    this.#tick();
  }

  /** Gives the lease back; `done` is called when Redis knows, or cannot be told. */
  stop(done: () => void): void {
    this.#isRunning = false;
    for (const timer of [this.#beat, this.#soon, this.#end]) timer?.cancel();
    const request = this.#holder.leave(this.#parts.taken().used);
    this.#parts.port.send(request, done);
  }

  termsChanged(terms: Terms): void {
    this.#holder.termsChanged(terms);
    this.#update();
    this.#askSoon();
  }

  /** Who is to be told of each connection but the bouncer's own. */
  get watch(): ConnectionWatch {
    return this.#fence;
  }

  ownOpened(): void {
    this.#fence.ownOpened();
    this.#holder.ownIs(this.#fence.own);
  }

  ownLost(): void {
    this.#fence.ownLost();
    this.#holder.ownIs(0);
    this.#update();
  }

  /** The last place has been taken, or one is waited for. */
  wanted(): void {
    const { used, taken, waiting } = this.#parts.taken();
    if (Math.max(used, taken) + waiting >= this.#holder.places) this.#askSoon();
  }

  #tick(): void {
    const { clock, timing } = this.#parts;
    this.#beat = clock.after(timing.heartbeatMs, () => this.#tick());
    this.#update();
    this.#ask();
    // Without Redis, what is held may be used only with a proof that is not old.
    if (this.#state === 'fallback') this.#prove(() => {});
  }

  #askSoon(): void {
    if (!this.#isRunning) return;
    this.#soon ??= this.#parts.clock.after(this.#parts.timing.soonMs, () => {
      this.#soon = null;
      this.#ask();
    });
  }

  #ask(): void {
    if (this.#outstanding !== null || !this.#isRunning) return;
    const { clock, port, block } = this.#parts;
    const { used, taken, waiting } = this.#parts.taken();
    const holder = this.#holder;
    const wants = wantsOf({
      taken: Math.max(used, taken),
      waiting,
      leased: holder.places,
      share: fairShare(holder.terms),
      block,
      guaranteed: holder.terms.guaranteed,
      othersWait: holder.othersWait,
      isOverLimit: holder.isOverLimit,
    });
    const { armed, report } = this.#fence;
    const sentAt = clock.now();
    const request = holder.request(sentAt, { used, ...wants }, { armed, report });
    this.#outstanding = request;
    // What it gives back is given up first.
    this.#update();
    port.send(request, (reply) => this.#answered(request, reply, sentAt));
  }

  #answered(request: LeaseRequest, reply: LeaseReply | null, sentAt: number): void {
    if (request !== this.#outstanding) return;
    this.#outstanding = null;
    if (!this.#isRunning) return;
    if (reply === null) this.#house = null;
    else this.#took(request, reply, sentAt);
    this.#update();
    this.#parts.listener.onOutcome(reply?.kind ?? 'lost');
  }

  #took(request: LeaseRequest, reply: LeaseReply, sentAt: number): void {
    const isNew = this.#holder.answered(request, reply, sentAt);
    if (isNew) this.#fence.reset();
    if (reply.kind !== 'held') {
      this.#askSoon();
      return;
    }
    this.#house = reply.house;
    this.#elsewhere = mayHaveElsewhere(reply.house, request.used, request.terms);
    const givesBack = reply.othersWait !== 'nothing' || this.#holder.isOverLimit;
    if (givesBack && request.want < reply.places) this.#askSoon();
    if (request.report !== null) this.#fence.told(request.report);
    switch (this.#fence.hears(reply.round, reply.phase)) {
      case 'arm':
        this.#askSoon();
        return;
      case 'ask':
        this.#sample(reply.round);
        return;
      case 'nothing':
        // It goes on when the others have spoken, or have given back.
        if (reply.phase === 'arm' || request.need > reply.places) this.#askSoon();
    }
  }

  #sample(round: number): void {
    const { clock, timing } = this.#parts;
    this.#prove((count) => {
      clock.after(timing.settleMs, () => {
        this.#fence.counted(round, count);
        this.#askSoon();
      });
    });
  }

  /** Asks Faktory for its count; that it answers proves that the bouncer's own connection is open. */
  #prove(done: (count: number | null) => void): void {
    const { own } = this.#fence;
    const askedAt = this.#parts.clock.now();
    this.#parts.count((count) => {
      if (count !== null && own !== 0 && own === this.#fence.own) {
        this.#holder.proven(own, askedAt);
        this.#update();
      }
      done(count);
    });
  }

  /** What holds now is told, and looked at again when it ends. */
  #update(): void {
    const { clock, listener } = this.#parts;
    const now = clock.now();
    const state = this.#holder.stateAt(now);
    const places = this.#holder.placesAt(now);
    this.#end?.cancel();
    const endsInMs = this.#holder.endsInMs(now);
    this.#end =
      endsInMs === Infinity || !this.#isRunning
        ? null
        : clock.after(endsInMs, () => this.#update());
    const before = { state: this.#state, places: this.#places };
    this.#state = state;
    this.#places = places;
    if (state !== before.state) listener.onState(state);
    if (places !== before.places) listener.onPlaces(places);
  }
}
