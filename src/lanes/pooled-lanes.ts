// Pooled mode. Promise: producers share the command lane and need no place of their own; a worker needs
// one place, for its first server connection, however many clients it has.

import type { Place } from '../admission/places.ts';
import type { Role } from '../admission/roles.ts';
import type { Limit } from '../base/limit.ts';
import type { Hello } from '../protocol/hello.ts';
import type { Pause } from '../server/pause.ts';
import type { Acknowledgements } from './acknowledgements.ts';
import { CommandLane } from './command-lane.ts';
import { CommandTime } from './command-time.ts';
import { FetchLane, type FetchLaneParts } from './fetch-lane.ts';
import type { Lane, LaneClient } from './lane.ts';
import type { LaneGauges, Lanes } from './lanes.ts';
import { PooledLane } from './pooled-lane.ts';
import type { WorkDone } from './round-trips.ts';
import type { WriteGate } from './write-gate.ts';

export interface PooledLanesParts extends Omit<FetchLaneParts, 'producerHello' | 'commandTime'> {
  /** Of the connections that are no worker's. */
  readonly hello: Hello;
  /** Server connections of the command lane; their places come first. */
  readonly commandConnections: number;
  /** Commands at Faktory. */
  readonly commandsInFlight: Limit;
  readonly gate: WriteGate;
  readonly pause: Pause;
  readonly acknowledgements: Acknowledgements;
  readonly onBug: (error: unknown) => void;
}

export class PooledLanes implements Lanes {
  readonly #commandLane: CommandLane;
  readonly #fetchLane: FetchLane;
  readonly #parts: PooledLanesParts;

  constructor(parts: PooledLanesParts) {
    this.#parts = parts;
    const commandLane = new CommandLane(parts);
    this.#commandLane = commandLane;
    this.#fetchLane = new FetchLane({
      ...parts,
      commandTime: new CommandTime(() => commandLane.redisMs),
      producerHello: parts.hello,
    });
  }

  needsPlace(role: Role, wid: string | null): boolean {
    return role === 'worker' && wid !== null && this.#fetchLane.needsPlace(wid);
  }

  open(client: LaneClient, hello: Hello, place: Place | null): Lane {
    const { worker } = client;
    const fetchLane = this.#fetchLane;
    const lane = new PooledLane(
      {
        commandLane: this.#commandLane,
        gate: this.#parts.gate,
        acknowledgements: this.#parts.acknowledgements,
        group: () =>
          worker === null ? fetchLane.producerGroup() : fetchLane.groupFor(worker, hello, place),
        onBeat: (wid) => fetchLane.onBeat(wid),
      },
      client,
    );
    lane.open();
    return lane;
  }

  start(): void {
    this.#commandLane.start();
  }

  drain(): void {
    this.#fetchLane.drain();
  }

  stop(): void {
    this.#commandLane.stop();
  }

  /** The command lane measures for itself anyway. */
  measure(): void {}

  workDone(): WorkDone {
    return this.#commandLane.workDone;
  }

  gauges(): LaneGauges {
    return {
      fetchesWaiting: this.#fetchLane.waiting,
      commandsOutstanding: this.#commandLane.outstanding,
      commandsWaiting: this.#commandLane.waiting,
      commandMs: this.#commandLane.commandMs,
      writesHeld: this.#parts.gate.held,
    };
  }
}
