// The way to Faktory for all clients, in one mode. Promise: whoever opens a lane, starts, stops or
// asks for gauges does not know which mode it is.

import type { Place } from '../admission/places.ts';
import type { Hello } from '../protocol/hello.ts';
import type { Lane, LaneClient } from './lane.ts';

export interface LaneGauges {
  /** FETCHes of clients that are not answered and not at Faktory for that client alone. */
  readonly fetchesWaiting: number;
  /** Commands of the command lane: sent and not answered yet. */
  readonly commandsOutstanding: number;
  /** Commands of the command lane that wait in the bouncer. */
  readonly commandsWaiting: number;
}

export interface Lanes {
  /** Whether a client of `worker` (null: a producer) needs a server connection of its own. */
  needsPlace(worker: string | null): boolean;
  /** A lane for an admitted client; `place` is the lane's, for its server connection. */
  open(client: LaneClient, hello: Hello, place: Place | null): Lane;
  start(): void;
  /** The bouncer stops: FETCHes at Faktory are waited for, and no other is sent. */
  drain(): void;
  /** Closes what the lanes hold open for themselves; no client is left. */
  stop(): void;
  gauges(): LaneGauges;
}
