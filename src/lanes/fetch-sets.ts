// Hot path. Which set of queues gets the next FETCH, and which client a reply, within one worker.
// Promise: pure over the clients that wait and the FETCHes that are at Faktory, with `now` (monotonic
// ms) as a parameter; sets take turns, and a set keeps its turn while its clients have just had nil.

import { Line, type Seat } from '../base/line.ts';
import { FetchFlow } from './fetch-flow.ts';

/** A client gets a job this long after its FETCH was read, or nil; as Faktory v1.7.0 manager/fetch.go brpop. */
export const JOB_WITHIN_MS = 2000;
/** A set whose clients have had nil keeps its turn so long; twice as long each time that it was passed over. */
const COMES_BACK_MS = 250;
const PASSED_OVER_MAX = 4;
/** Sets whose turn is remembered while nobody asks for them; more are forgotten together. */
const IDLE_SETS_MAX = 256;

/** A client's FETCH that waits. */
export interface Asking {
  /** When it was read; monotonic ms. */
  readonly askedAt: number;
  readonly queues: readonly string[];
  /** Its client has left, and what it has sent behind it is still to be executed. */
  readonly hasLeft: boolean;
}

/** A FETCH on a server connection, from the decision to the reply. */
export interface Flight<A> {
  /** Part of its reply is here. */
  readonly replyIsArriving: boolean;
  /** The client that waits for that reply's end, past its own time. */
  readonly promisedTo: A | null;
}

/** FETCHes over one set of queues. */
export interface FetchSet<A, F> {
  readonly key: string;
  readonly waiting: Line<A>;
  /** Its FETCHes on server connections, sent or about to be. */
  readonly flights: Set<F>;
  /** When its last FETCH was sent, counted in FETCHes; before the first, from when it was made. */
  lastTurn: number;
  readonly flow: FetchFlow;
  /** When its last waiting client had nil, while none waits; else -Infinity. */
  absentSince: number;
  /** How often its turn has passed while its clients were between two FETCHes. */
  passedOver: number;
  /** The FETCH that is kept for its clients until they ask again. */
  kept: F | null;
}

/** Which set gets the FETCH that a free server connection can carry. */
export type NextFetch<A, F> =
  | {
      readonly kind: 'send';
      readonly reason: 'no_fetch' | 'jobs_flow';
      readonly set: FetchSet<A, F>;
    }
  /** It is this set's turn, and its clients have just had nil: they are about to ask again. */
  | { readonly kind: 'keep'; readonly reason: 'had_nil'; readonly set: FetchSet<A, F> }
  | { readonly kind: 'none'; readonly reason: 'enough' };

/** What becomes of a FETCH that may be sent now. */
export type Granted<A> =
  | { readonly kind: 'send'; readonly reason: 'client_waits'; readonly cause: A }
  | { readonly kind: 'keep'; readonly reason: 'had_nil'; readonly untilAt: number }
  | { readonly kind: 'drop'; readonly reason: 'nobody_waits' };

/** Who gets a reply. */
export type Taker<A> =
  | { readonly kind: 'client'; readonly reason: 'promised' | 'waits_longest'; readonly client: A }
  /** This one must hear nil first: Faktory would have told it so by now. */
  | { readonly kind: 'nil'; readonly reason: 'too_late'; readonly client: A }
  | { readonly kind: 'nobody'; readonly reason: 'nobody_waits' };

/** What a client hears whose time is over. */
export type TimeIsOver<F> =
  | { readonly kind: 'nil'; readonly reason: 'no_reply_yet' }
  | { readonly kind: 'wait'; readonly reason: 'reply_arrives' | 'has_left'; readonly flight: F };

const ENOUGH = { kind: 'none', reason: 'enough' } as const;
const NOBODY = { kind: 'nobody', reason: 'nobody_waits' } as const;
const NO_REPLY_YET = { kind: 'nil', reason: 'no_reply_yet' } as const;
const DROP = { kind: 'drop', reason: 'nobody_waits' } as const;

export class FetchSets<A extends Asking, F extends Flight<A>> {
  readonly #sets = new Map<string, FetchSet<A, F>>();
  /** Sets that clients ask for and no FETCH; those left by their last client go when they are looked at. */
  readonly #needy = new Set<FetchSet<A, F>>();
  /** Sets with a FETCH, and with more clients than FETCHes, as far as is known. */
  readonly #crowded = new Set<FetchSet<A, F>>();
  /** Sets without clients or FETCHes that keep their turn. */
  readonly #absent = new Set<FetchSet<A, F>>();
  /** FETCHes beyond the first of each set. */
  #extra = 0;
  #turns = 0;

  /** Sets that are known, with or without clients. */
  get size(): number {
    return this.#sets.size;
  }

  /** FETCHes beyond the first of each set. */
  get extra(): number {
    return this.#extra;
  }

  /** The set of that key, made where there is none. */
  of(key: string): FetchSet<A, F> {
    let set = this.#sets.get(key);
    if (set !== undefined) return set;
    if (this.#sets.size >= IDLE_SETS_MAX) this.#forgetIdle();
    set = {
      key,
      waiting: new Line(),
      flights: new Set(),
      // Before the set that was served last, and after all others.
      lastTurn: this.#turns - 0.5,
      flow: new FetchFlow(),
      absentSince: -Infinity,
      passedOver: 0,
      kept: null,
    };
    this.#sets.set(key, set);
    return set;
  }

  /** A client begins to wait; it leaves by its seat. */
  join(set: FetchSet<A, F>, client: A): Seat<A> {
    const seat = set.waiting.join(client);
    set.absentSince = -Infinity;
    this.#absent.delete(set);
    this.#sort(set);
    return seat;
  }

  /** The last client of `set` has had nil. */
  hadNil(set: FetchSet<A, F>, now: number): void {
    if (set.waiting.length > 0) return;
    set.absentSince = now;
    if (set.flights.size === 0) this.#absent.add(set);
  }

  /** The set has one more FETCH on a server connection, not sent yet. */
  launched(set: FetchSet<A, F>, flight: F): void {
    if (set.flights.size > 0) this.#extra += 1;
    set.flights.add(flight);
    this.#absent.delete(set);
    this.#sort(set);
  }

  /** The FETCH was sent: the set has had its turn. */
  sent(set: FetchSet<A, F>): void {
    this.#turns += 1;
    set.lastTurn = this.#turns;
    set.passedOver = Math.max(0, set.passedOver - 1);
  }

  /** The FETCH is over, or was never sent. */
  landed(set: FetchSet<A, F>, flight: F): void {
    if (!set.flights.delete(flight)) return;
    if (set.flights.size > 0) this.#extra -= 1;
    this.#sort(set);
  }

  /**
   * The next FETCH to send; at most `extraMost` beyond the first of each set. `foundMs`: how long a FETCH
   * may take that found a job.
   */
  next(now: number, extraMost: number, foundMs: number): NextFetch<A, F> {
    const needy = this.#longestAgo();
    if (needy !== null) {
      const absent = this.#absentBefore(needy, now);
      return absent === null
        ? { kind: 'send', reason: 'no_fetch', set: needy }
        : { kind: 'keep', reason: 'had_nil', set: absent };
    }
    const flowing = this.#extra < extraMost ? this.#flowing(now, foundMs) : null;
    return flowing === null ? ENOUGH : { kind: 'send', reason: 'jobs_flow', set: flowing };
  }

  /** The set's FETCH may be sent at `now`. */
  granted(set: FetchSet<A, F>, now: number): Granted<A> {
    const cause = set.waiting.first;
    if (cause !== undefined) return { kind: 'send', reason: 'client_waits', cause };
    const untilAt = keptUntil(set);
    if (set.flights.size === 1 && now < untilAt)
      return { kind: 'keep', reason: 'had_nil', untilAt };
    this.passOver(set);
    return DROP;
  }

  /** The set's turn passes: its clients have stayed away for too long. */
  passOver(set: FetchSet<A, F>): void {
    set.passedOver = Math.min(set.passedOver + 1, PASSED_OVER_MAX);
  }

  /** Who gets a reply for `set`; `promisedTo`: the client that waits for this one alone. */
  taker(set: FetchSet<A, F>, promisedTo: A | null, now: number): Taker<A> {
    if (promisedTo !== null) return { kind: 'client', reason: 'promised', client: promisedTo };
    const client = set.waiting.first;
    if (client === undefined) return NOBODY;
    return isLate(client, now)
      ? { kind: 'nil', reason: 'too_late', client }
      : { kind: 'client', reason: 'waits_longest', client };
  }

  /** The time of `client` of `set` is over. One that has left may push what a FETCH would find. */
  timeIsOver(set: FetchSet<A, F>, { hasLeft }: A): TimeIsOver<F> {
    for (const flight of set.flights) {
      if (flight.promisedTo !== null) continue;
      if (flight.replyIsArriving) return { kind: 'wait', reason: 'reply_arrives', flight };
      if (hasLeft) return { kind: 'wait', reason: 'has_left', flight };
    }
    return NO_REPLY_YET;
  }

  /** The client over `queue` that has waited longest and is not late, or null. */
  longestFor(queue: string, now: number): A | null {
    let longest: A | null = null;
    for (const { waiting } of this.#sets.values()) {
      const first = waiting.first;
      if (first === undefined || isLate(first, now) || !first.queues.includes(queue)) continue;
      if (longest === null || first.askedAt < longest.askedAt) longest = first;
    }
    return longest;
  }

  /** Sets that clients ask for and no FETCH, after next(). */
  get needy(): number {
    return this.#needy.size;
  }

  /** FETCHes that would find jobs beside those that are there: clients of flowing sets without one. */
  wanted(now: number, foundMs: number): number {
    let wanted = 0;
    for (const set of this.#crowded) {
      if (!set.flow.isFlowing(now, foundMs)) continue;
      wanted += Math.max(0, set.waiting.length - set.flights.size);
    }
    return wanted;
  }

  [Symbol.iterator](): MapIterator<FetchSet<A, F>> {
    return this.#sets.values();
  }

  /** Puts the set where next() looks for it. */
  #sort(set: FetchSet<A, F>): void {
    const { waiting, flights } = set;
    if (flights.size === 0 && waiting.length > 0) this.#needy.add(set);
    else this.#needy.delete(set);
    if (flights.size > 0 && waiting.length > flights.size) this.#crowded.add(set);
    else this.#crowded.delete(set);
  }

  /** The needy set whose last turn is longest ago. */
  #longestAgo(): FetchSet<A, F> | null {
    let found: FetchSet<A, F> | null = null;
    for (const set of this.#needy) {
      if (set.waiting.length === 0) this.#needy.delete(set);
      else if (found === null || set.lastTurn < found.lastTurn) found = set;
    }
    return found;
  }

  /** The absent set whose turn comes before that of `needy`; one that stays away too long is passed over. */
  #absentBefore(needy: FetchSet<A, F>, now: number): FetchSet<A, F> | null {
    for (const set of this.#absent) {
      if (set.lastTurn >= needy.lastTurn) continue;
      if (now < keptUntil(set)) return set;
      this.passOver(set);
      this.#absent.delete(set);
    }
    return null;
  }

  /** The flowing set with more clients than FETCHes whose last turn is longest ago. */
  #flowing(now: number, foundMs: number): FetchSet<A, F> | null {
    let found: FetchSet<A, F> | null = null;
    for (const set of this.#crowded) {
      if (set.waiting.length <= set.flights.size) this.#crowded.delete(set);
      else if (found !== null && set.lastTurn >= found.lastTurn) continue;
      else if (set.flow.isFlowing(now, foundMs)) found = set;
    }
    return found;
  }

  /** Only when they are many: a set that is forgotten between two FETCHes loses its turn. */
  #forgetIdle(): void {
    for (const [key, set] of this.#sets) {
      if (set.flights.size > 0 || set.waiting.length > 0) continue;
      this.#sets.delete(key);
      this.#absent.delete(set);
      this.#needy.delete(set);
    }
  }
}

function isLate({ askedAt }: Asking, now: number): boolean {
  return now - askedAt >= JOB_WITHIN_MS;
}

function keptUntil<A, F>({ absentSince, passedOver }: FetchSet<A, F>): number {
  return absentSince + COMES_BACK_MS * 2 ** passedOver;
}
