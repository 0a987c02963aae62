// What bouncers in front of one Faktory say to each other, through Redis, about one limit. Promise of the
// room: together they never have more server connections than limits.server_connections; places of a
// bouncer that vanished come back, and are lent again only once Faktory's own count shows them gone.
//
// Each bouncer is a holder: it leases places for a time, and opens nothing without one. Its own
// connection needs no lease: one place for each expected bouncer is set aside. Time at Redis is Redis's
// own; a holder measures durations with its own monotonic clock, from before it sends. A request
// says what should be, never by how much it changes, so one that arrives twice does no harm.
//
// Redis counts a lease until somebody shows that it is over: its holder gives it back, or its time is over
// and then a round of the fence (fence-watch.ts) finds Faktory's count to be explained by the others.
// docs/scale.md says what holds when Redis, a bouncer or the network fails.

/** What the configuration says; one that differs between bouncers counts as the most careful. */
export interface Terms {
  /** limits.server_connections: of all bouncers together. */
  readonly limit: number;
  /** Bouncers that may run at a time. */
  readonly replicas: number;
  /** Places that each of them has without asking, whatever happens. */
  readonly guaranteed: number;
}

/** What a holder found in a round of the fence. */
export interface FenceReport {
  readonly round: number;
  /** The fewest connections that Faktory can have counted for it since the round began; its own included. */
  readonly least: number;
  /** Faktory's count of all connections, asked for in this round; -1: it could not be had. */
  readonly count: number;
}

/** Apart from `own`, counts are of server connections without the bouncers' own ones. */
export interface LeaseRequest {
  readonly kind: 'hold' | 'leave';
  /** The name of this lease; a holder whose lease was over takes a new one. */
  readonly id: string;
  /** Higher in each request under one id. */
  readonly seq: number;
  /** Whether a lease that Redis does not know is to be made. */
  readonly register: boolean;
  /** The same process's lease before; empty: none. */
  readonly replaces: string;
  readonly terms: Terms;
  readonly expiryMs: number;
  /** Connections that exist, from before the dial until Faktory's close. */
  readonly used: number;
  /** The most that it may have at this moment, by what it knows; at least `used`. */
  readonly claim: number;
  /** What it would use now if it had it. */
  readonly need: number;
  /** What it asks for; less than it has: the rest is given back. */
  readonly want: number;
  /** The round since whose beginning it has watched its connections; 0: none. */
  readonly armed: number;
  readonly report: FenceReport | null;
}

/**
 * What the other holders wait for: nothing; idle places; or, while this one has more than its share and
 * another less, every place that becomes free.
 */
export type OthersWait = 'nothing' | 'idle' | 'share';

export type FencePhase = 'none' | 'arm' | 'sample';

/** All bouncers together, at the moment of the reply. */
export interface House {
  /** Bouncers with a lease. */
  readonly holders: number;
  /** Places that they hold. */
  readonly leased: number;
  /** Connections that they have, as each told last. */
  readonly used: number;
  /** Places still counted for bouncers whose lease is over or unknown. */
  readonly outside: number;
  /** Places that can be lent now; below 0 while more are spoken for than there are. */
  readonly free: number;
}

export type LeaseReply =
  | {
      readonly kind: 'held';
      /** What is leased from now on. */
      readonly places: number;
      readonly othersWait: OthersWait;
      readonly round: number;
      readonly phase: FencePhase;
      readonly house: House;
    }
  /** Redis knows no such lease: it is over, or Redis has lost its data. */
  | { readonly kind: 'unknown' }
  /** A later request has been answered before. */
  | { readonly kind: 'stale' }
  | { readonly kind: 'left' };

/** Carries a request to Redis, and the answer back; each has exactly one outcome. */
export interface LeasePort {
  /** `done` gets null when it is not known whether Redis has heard; never called within send(). */
  send(request: LeaseRequest, done: (reply: LeaseReply | null) => void): void;
}

/** The places that can be lent: one is set aside for each bouncer's own connection. */
export function lendable({ limit, replicas }: Terms): number {
  return limit - replicas;
}

/** What each holds if all hold the same. */
export function fairShare(terms: Terms): number {
  return Math.floor(lendable(terms) / terms.replicas);
}

/**
 * The most server connections that bouncers other than this one may have, their own ones included.
 * `used`: what this bouncer told of in the request that `house` answers.
 */
export function mayHaveElsewhere(house: House, used: number, terms: Terms): number {
  const { holders, outside } = house;
  const told = house.used - used + holders - 1;
  const missing = terms.replicas - holders;
  // With all of them there, what is counted outside is of none: the fence has found it at Faktory, and
  // connections that bypass the bouncers are among it.
  if (missing <= 0) return told;
  // One that was started without Redis is not known to it, and may use what is guaranteed.
  return told + outside + missing * (1 + terms.guaranteed);
}
