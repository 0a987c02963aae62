// Whether one worker's FETCHes get another server connection, and which one it gives up. Promise: pure
// over what is there; a first FETCH for each set comes before a second for any.

/** What growing depends on. */
export interface GrowthFacts {
  /** What another server connection would be for. */
  readonly reason: 'no_fetch' | 'jobs_flow';
  /** Sets that wait for a FETCH; with jobs_flow, clients that do. */
  readonly wanted: number;
  /** Server connections of the worker, those that are not open yet included. */
  readonly connections: number;
  readonly open: number;
  /** The most that the worker may have. */
  readonly limit: number;
  /** Whether one more FETCH may be at Faktory. */
  readonly hasFetchRoom: boolean;
  /** Whether FETCHes take long, so that one dial at a time would take too long. */
  readonly isSlow: boolean;
}

export type Growth =
  | { readonly kind: 'dial'; readonly reason: GrowthFacts['reason']; readonly count: number }
  | { readonly kind: 'stay'; readonly reason: 'opening' | 'at_limit' | 'no_fetch_room' };

/**
 * Whether what is being dialled is enough is asked again when it is open: no more at a time than are
 * open, and one for jobs that flow, whose FETCHes may have ended by then.
 */
export function growth(facts: GrowthFacts): Growth {
  const { reason, wanted, connections, open, limit } = facts;
  if (connections === 0) return { kind: 'dial', reason, count: 1 };
  if (connections >= limit) return { kind: 'stay', reason: 'at_limit' };
  if (!facts.hasFetchRoom) return { kind: 'stay', reason: 'no_fetch_room' };
  const atOnce = reason === 'jobs_flow' && !facts.isSlow ? 1 : Math.min(open, wanted);
  const count = Math.min(atOnce - (connections - open), limit - connections);
  return count > 0 ? { kind: 'dial', reason, count } : { kind: 'stay', reason: 'opening' };
}

/** A server connection that may be given up. */
export interface Spared {
  /** It keeps the worker known to Faktory. */
  readonly isFirst: boolean;
  /** It is to close already. */
  readonly yields: boolean;
  /** A FETCH is at Faktory over it: closing would free nothing there. */
  readonly isBusy: boolean;
}

export type GiveUp<S> =
  | { readonly kind: 'close'; readonly reason: 'not_busy'; readonly server: S }
  | { readonly kind: 'close_after_reply'; readonly reason: 'busy'; readonly server: S }
  | { readonly kind: 'none'; readonly reason: 'none_to_spare' };

/** The server connection that is free soonest, if the worker can do without one. */
export function giveUp<S extends Spared>(servers: Iterable<S>): GiveUp<S> {
  let busy: S | null = null;
  for (const server of servers) {
    if (server.isFirst || server.yields) continue;
    if (!server.isBusy) return { kind: 'close', reason: 'not_busy', server };
    busy ??= server;
  }
  return busy === null
    ? { kind: 'none', reason: 'none_to_spare' }
    : { kind: 'close_after_reply', reason: 'busy', server: busy };
}
