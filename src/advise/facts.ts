// What advice rests on: numbers of one bouncer over some time, wherever they were read. Promise of the room:
// its rules are pure and never guess; a number that is not known is null, and no rule rests on it.

import type { Mode } from './words.ts';

/** A limit with what it was used for. */
export interface Use {
  /** The most that was seen. */
  readonly peak: number;
  /** In force now. */
  readonly limit: number;
}

/** The connections of one worker (by wid) or of the producers of one address. */
export interface Crowd {
  readonly kind: 'worker' | 'address';
  /** The wid, or the address. */
  readonly name: string;
  /** Where to look for the process: address, host, pid, labels. */
  readonly whereabouts: string;
  readonly connections: number;
  /** Of them, those with a FETCH that is not answered. */
  readonly fetching: number;
  /** Of them, those that do nothing: see crowds.ts. */
  readonly idle: number;
  /** Commands of the idle ones, since they connected. */
  readonly idleCommands: number;
  /** Age of the oldest idle one. */
  readonly oldestIdleSeconds: number;
  /** Connections that were added while it was watched; null: it was looked at once. */
  readonly grown: number | null;
}

export interface Facts {
  /** What was read, without secrets. */
  readonly source: string;
  /** Over which time peaks and counts are: no more than there is data for. */
  readonly seconds: number;
  readonly mode: Mode;
  /** Null: not known. */
  readonly observeOnly: boolean | null;
  readonly clients: Use;
  readonly serverConnections: Use;
  readonly fetches: Use;
  readonly waitingLine: Use;
  /** limits.server_connections as configured: with a shared limit, of all bouncers together. */
  readonly atFaktory: number;
  /** Null: not known. */
  readonly producerReserve: number | null;
  /** The most places that producers were seen to have at a time. */
  readonly producerPlacesPeak: number;
  /** The fewest FETCHes, and commands, that waited in the bouncer at any look. */
  readonly fetchesWaiting: number;
  readonly commandsWaiting: number;
  /** limits.commands_in_flight, as it is configured where that is known. */
  readonly commandsInFlight: number;
  /** Clients that nobody uses; see client_connections_unused. */
  readonly unusedClients: number;
  readonly refused: Readonly<Record<string, number>>;
  readonly wouldHaveRefused: Readonly<Record<string, number>>;
  /** INFO's version; null: not known. */
  readonly version: string | null;
  /** Connections that bypass the bouncer, the fewest at any look; null: not known. */
  readonly past: number | null;
  /** Redis's own cap on connections; null: not known. */
  readonly redisMaxClients: number | null;
  /** Whether limits.server_connections is shared with other bouncers. */
  readonly isShared: boolean;
  /** Null: the source does not tell of single clients. */
  readonly crowds: readonly Crowd[] | null;
}

/** What was counted for `reason`. */
export function countOf(counts: Readonly<Record<string, number>>, reason: string): number {
  return counts[reason] ?? 0;
}

/** Clients that `reason` refused, or with observe_only would have. */
export function turnedAway(facts: Facts, reason: string): number {
  return countOf(facts.refused, reason) + countOf(facts.wouldHaveRefused, reason);
}
