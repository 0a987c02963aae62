// One bouncer's lease, and what it may open without one. Promise: placesAt() never allows more than Redis
// counts for this bouncer at that instant, whatever became of the requests and however long the process
// was stopped; a request that was lost changes nothing but what was given back. Pure: `now` is given.
//
//   starting -> leased <-> fallback        starting -> fallback: Redis has not answered for one expiry
//
// In fallback a bouncer may have what it held, up to its fair share. Redis cannot know whether it lives,
// so it counts these places until Faktory's count shows that the bouncer's own connection is gone. Hence
// they may be used only while that connection has been open ever since the lease was good, and has
// answered not long ago. Without it, the guaranteed places are left: those are lent to nobody.

import {
  fairShare,
  type LeaseReply,
  type LeaseRequest,
  type OthersWait,
  type Terms,
} from './lease.ts';
import type { HolderState } from './sharing-counts.ts';
import type { LeaseTiming } from './timing.ts';

export interface HolderParts {
  readonly timing: LeaseTiming;
  readonly terms: Terms;
  /** A name that no lease has had. */
  readonly newId: () => string;
  /** Monotonic ms. */
  readonly startedAt: number;
}

/** What the holder has, apart from its own connection. */
export interface Usage {
  /** Connections, from before the dial until Faktory's close. */
  readonly used: number;
  readonly need: number;
  readonly want: number;
}

/** The holder's word in the fence. */
export type FenceWord = Pick<LeaseRequest, 'armed' | 'report'>;

const SILENT: FenceWord = { armed: 0, report: null };

interface Lease {
  /** When the holder stops to count on it; monotonic ms. */
  readonly deadline: number;
  /** What was in force when it was granted. */
  readonly terms: Terms;
  /** The bouncer's own connection when Redis last confirmed the lease. */
  readonly own: number;
}

interface Proof {
  readonly own: number;
  /** When the command was sent whose answer is the proof; monotonic ms. */
  readonly askedAt: number;
}

export class Holder {
  readonly #parts: HolderParts;
  #terms: Terms;
  #id: string;
  #replaces = '';
  /** Whether Redis is to make a lease with this id. */
  #registers = true;
  #seq = 0;
  /** Redis counts at least so many for this holder, as long as it counts it. */
  #places = 0;
  #lease: Lease | null = null;
  #othersWait: OthersWait = 'nothing';
  /** The most that may be opened while all bouncers together hold more than the limit; else Infinity. */
  #most = Infinity;
  /** Connections at the last request. */
  #used = 0;
  #own = 0;
  #proof: Proof = { own: 0, askedAt: 0 };

  constructor(parts: HolderParts) {
    this.#parts = parts;
    this.#terms = parts.terms;
    this.#id = parts.newId();
  }

  get terms(): Terms {
    return this.#terms;
  }

  get othersWait(): OthersWait {
    return this.#othersWait;
  }

  /** Places of the lease, whether it is in force or not. */
  get places(): number {
    return this.#places;
  }

  stateAt(now: number): HolderState {
    if (this.#lease !== null) return now < this.#lease.deadline ? 'leased' : 'fallback';
    const { startedAt, timing } = this.#parts;
    return now < startedAt + timing.expiryMs ? 'starting' : 'fallback';
  }

  /** Whether all bouncers together hold more than the limit, since it was lowered. */
  get isOverLimit(): boolean {
    return this.#most < Infinity;
  }

  /** Milliseconds until the state at `now` ends unless something comes; Infinity: it does not. */
  endsInMs(now: number): number {
    const { startedAt, timing } = this.#parts;
    const end = this.#lease === null ? startedAt + timing.expiryMs : this.#lease.deadline;
    return now < end ? end - now : Infinity;
  }

  /** The most connections that there may be at `now`, apart from the bouncer's own. */
  placesAt(now: number): number {
    switch (this.stateAt(now)) {
      case 'starting':
        return 0;
      case 'leased':
        return Math.min(this.#places, this.#most, this.#givesAway ? this.#share : Infinity);
      case 'fallback':
        return Math.max(this.#guaranteed, this.#isProven(now) ? this.#kept : 0);
    }
  }

  /** A reload has changed what is configured. Below a lower limit nothing is opened until there is an answer. */
  termsChanged(terms: Terms): void {
    if (terms.limit < this.#terms.limit) this.#most = Math.min(this.#most, this.#used);
    this.#terms = terms;
  }

  /** The bouncer's own connection is another one; 0: it is lost. */
  ownIs(own: number): void {
    this.#own = own;
  }

  /** A command that was sent at `askedAt` over the bouncer's own connection `own` was answered. */
  proven(own: number, askedAt: number): void {
    this.#proof = { own, askedAt };
  }

  /** The next request, at `now`. What it gives back is given up before it is sent. */
  request(now: number, { used, need, want }: Usage, word: FenceWord): LeaseRequest {
    this.#seq += 1;
    this.#used = used;
    const claim = Math.max(used, this.#claimAt(now));
    const asked = Math.max(used, this.#registers ? Math.max(want, claim) : want);
    this.#places = Math.min(this.#places, this.#registers ? claim : asked);
    return {
      kind: 'hold',
      id: this.#id,
      seq: this.#seq,
      register: this.#registers,
      replaces: this.#replaces,
      terms: this.#terms,
      expiryMs: this.#parts.timing.expiryMs,
      used,
      claim,
      need: Math.max(need, used),
      want: asked,
      // What was watched under another lease says nothing of this one.
      ...(this.#registers ? SILENT : word),
    };
  }

  /** The last request: the bouncer ends, and has `used` connections that Faktory has not closed. */
  leave(used: number): LeaseRequest {
    this.#seq += 1;
    this.#places = 0;
    return {
      kind: 'leave',
      id: this.#id,
      seq: this.#seq,
      register: false,
      replaces: this.#replaces,
      terms: this.#terms,
      expiryMs: this.#parts.timing.expiryMs,
      used,
      claim: used,
      need: used,
      want: used,
      armed: 0,
      report: null,
    };
  }

  /** Redis has answered `request`, which was built at `sentAt`. True if the lease is a new one. */
  answered(request: LeaseRequest, reply: LeaseReply, sentAt: number): boolean {
    if (request.id !== this.#id || request.seq !== this.#seq) return false;
    switch (reply.kind) {
      case 'held':
        this.#places = reply.places;
        this.#othersWait = reply.othersWait;
        this.#most = Math.min(
          mostOf(request, reply),
          this.#isKnown(request) ? Infinity : this.#most,
        );
        this.#lease = {
          deadline: sentAt + this.#parts.timing.expiryMs - this.#parts.timing.marginMs,
          terms: request.terms,
          own: this.#own,
        };
        this.#registers = false;
        this.#replaces = '';
        return request.register;
      case 'unknown':
        this.#replaces = this.#id;
        this.#id = this.#parts.newId();
        this.#seq = 0;
        this.#registers = true;
        return false;
      case 'stale':
      case 'left':
        return false;
    }
  }

  /** Whether the lender has heard of the limit that holds now. */
  #isKnown({ terms }: LeaseRequest): boolean {
    return terms.limit <= this.#terms.limit;
  }

  /** What others wait for while this one has more than its share. */
  get #givesAway(): boolean {
    return this.#othersWait === 'share' && this.#places > this.#share;
  }

  get #share(): number {
    return fairShare(this.#terms);
  }

  get #guaranteed(): number {
    return this.#terms.guaranteed;
  }

  /** What Redis counts for a holder whose lease is over, as long as it may live. */
  get #kept(): number {
    if (this.#lease === null) return 0;
    // A limit that was raised meanwhile is not known to Redis.
    return Math.min(this.#places, fairShare(this.#lease.terms), this.#share);
  }

  #isProven(now: number): boolean {
    const { own, askedAt } = this.#proof;
    return (
      this.#lease !== null &&
      this.#own !== 0 &&
      this.#own === this.#lease.own &&
      own === this.#own &&
      now - askedAt <= this.#parts.timing.proofMs
    );
  }

  /** Redis makes the new lease of what it counts for the old one, up to this. */
  #claimAt(now: number): number {
    if (this.stateAt(now) !== 'fallback') return this.stateAt(now) === 'leased' ? this.#places : 0;
    const keeps = this.#own !== 0 && this.#own === this.#lease?.own;
    return Math.max(this.#guaranteed, keeps ? this.#kept : 0);
  }
}

/**
 * What a holder may have while all together hold more than the limit, which was lowered: what it has, and no
 * more than its part of the limit. So nothing is opened anywhere until enough has ended.
 */
function mostOf(
  { used }: LeaseRequest,
  { places, house }: Extract<LeaseReply, { kind: 'held' }>,
): number {
  const { leased, free, outside } = house;
  // Places outside may be counted twice, after a restart of Redis.
  const freeAmongThem = free + outside;
  if (freeAmongThem >= 0) return Infinity;
  const lendable = Math.max(0, leased + freeAmongThem);
  return Math.min(used, Math.floor((places * lendable) / leased));
}
