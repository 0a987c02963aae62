// The way to Faktory for all clients, in one mode. Promise: a caller that opens a lane, starts,
// stops or asks for gauges does not know which mode it is.

import type { Place } from '../admission/places.ts';
import type { Role } from '../admission/roles.ts';
import type { Hello } from '../protocol/hello.ts';
import type { Lane, LaneClient } from './lane.ts';
import type { WorkDone } from './round-trips.ts';

export interface LaneGauges {
  /** FETCHes of clients that are not answered and not at Faktory for that client alone. */
  readonly fetchesWaiting: number;
  /** Pooled: commands sent and not answered yet. Session: clients with any. */
  readonly commandsOutstanding: number;
  /** Pooled: commands that wait for a server connection. Session: clients with any that wait for a slot. */
  readonly commandsWaiting: number;
  /** How long Faktory works on a quick command, ms; null: not known, or session mode. */
  readonly commandMs: number | null;
  /** Writes that wait for the server to be sound. */
  readonly writesHeld: number;
}

export interface Lanes {
  /** Whether a client with `wid` (null: none) needs a server connection of its own as `role`. */
  needsPlace(role: Role, wid: string | null): boolean;
  /** A lane for an admitted client; `place` is the lane's, for its server connection. */
  open(client: LaneClient, hello: Hello, place: Place | null): Lane;
  start(): void;
  /** The bouncer stops: FETCHes at Faktory are waited for, and no other is sent. */
  drain(): void;
  /** Closes what the lanes hold open for themselves; no client is left. */
  stop(): void;
  gauges(): LaneGauges;
  /** Whether somebody wants to know what Faktory has done. */
  measure(isOn: boolean): void;
  /** What it has done, as far as it was measured. */
  workDone(): WorkDone;
}
