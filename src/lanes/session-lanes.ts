// Session mode. Promise: one server connection for each client, in the client's own name.

import type { Place } from '../admission/places.ts';
import type { Clock } from '../base/clock.ts';
import { Deadlines } from '../base/deadlines.ts';
import type { Live } from '../base/live.ts';
import type { Hello } from '../protocol/hello.ts';
import type { Lane, LaneClient } from './lane.ts';
import type { LaneSettings } from './lane-settings.ts';
import type { Command } from '../protocol/command.ts';
import type { LaneGauges, Lanes } from './lanes.ts';
import { RoundTrips, type WorkDone } from './round-trips.ts';
import { SessionLane, type SessionLaneParts } from './session-lane.ts';
import type { SessionSender } from './session-sender.ts';

export interface SessionLanesParts extends Omit<
  SessionLaneParts,
  'slotDeadlines' | 'hasWaited' | 'roundTrips'
> {
  readonly clock: Clock;
  readonly settings: Live<LaneSettings>;
}

export class SessionLanes implements Lanes {
  readonly #parts: SessionLaneParts;

  constructor(parts: SessionLanesParts) {
    const { clock, settings } = parts;
    const slotDeadlines = new Deadlines<SessionSender>(
      clock,
      () => settings.current.outageWaitMs,
      (sender) => sender.onDeadline(),
    );
    const hasWaited = ({ readAt }: Command): boolean =>
      clock.now() - readAt >= settings.current.outageWaitMs;
    this.#parts = { ...parts, slotDeadlines, hasWaited, roundTrips: new RoundTrips() };
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

  measure(isOn: boolean): void {
    this.#parts.roundTrips.isOn = isOn;
  }

  workDone(): WorkDone {
    return this.#parts.roundTrips.done;
  }

  gauges(): LaneGauges {
    const { governor, slots, gate } = this.#parts;
    return {
      fetchesWaiting: governor.waiting,
      commandsOutstanding: slots.taken,
      commandsWaiting: slots.waiting,
      commandMs: null,
      writesHeld: gate.held,
    };
  }
}

const NO_PLACE = { release: () => {} };
