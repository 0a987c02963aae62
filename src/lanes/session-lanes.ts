// Session mode. Promise: one server connection for each client, in the client's own name.

import type { Place } from '../admission/places.ts';
import type { Hello } from '../protocol/hello.ts';
import type { Lane, LaneClient } from './lane.ts';
import type { LaneGauges, Lanes } from './lanes.ts';
import { SessionLane, type SessionLaneParts } from './session-lane.ts';

export class SessionLanes implements Lanes {
  readonly #parts: SessionLaneParts;

  constructor(parts: SessionLaneParts) {
    this.#parts = parts;
  }

  /** Every client does. */
  needsPlace(): boolean {
    return true;
  }

  open(client: LaneClient, hello: Hello, place: Place | null): Lane {
    return new SessionLane(this.#parts, client, hello, place ?? NO_PLACE);
  }

  /** Nothing is open without a client. */
  start(): void {}

  /** Each client waits for its own FETCH. */
  drain(): void {}

  stop(): void {}

  gauges(): LaneGauges {
    const fetchesWaiting = this.#parts.governor.waiting;
    return { fetchesWaiting, commandsOutstanding: 0, commandsWaiting: 0 };
  }
}

const NO_PLACE = { release: () => {} };
