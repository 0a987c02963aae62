// Opens pooled lanes. Promise: producers share the command lane and need no place of their own; a
// worker needs one place, for its first server connection, however many clients it has.

import type { Place } from '../admission/places.ts';
import type { Hello } from '../protocol/hello.ts';
import type { Dialler } from '../server/dialler.ts';
import type { CommandLane } from './command-lane.ts';
import type { FetchLane } from './fetch-lane.ts';
import type { Lane, LaneClient } from './lane.ts';
import { PooledLane } from './pooled-lane.ts';

export class PooledLanes {
  readonly #commandLane: CommandLane;
  readonly #fetchLane: FetchLane;
  readonly #dialler: Dialler;

  constructor(commandLane: CommandLane, fetchLane: FetchLane, dialler: Dialler) {
    this.#commandLane = commandLane;
    this.#fetchLane = fetchLane;
    this.#dialler = dialler;
  }

  get serverIsUp(): boolean {
    return this.#dialler.isUp;
  }

  get serverRefusedUs(): boolean {
    return this.#dialler.lastFailure === 'handshake_failed';
  }

  needsPlace(worker: string | null): boolean {
    return worker !== null && this.#fetchLane.needsPlace(worker);
  }

  open(client: LaneClient, hello: Hello, place: Place | null): Lane {
    const { worker } = client;
    const fetchLane = this.#fetchLane;
    const lane = new PooledLane(
      {
        commandLane: this.#commandLane,
        group: () =>
          worker === null ? fetchLane.producerGroup() : fetchLane.groupFor(worker, hello, place),
      },
      client,
    );
    lane.open();
    return lane;
  }
}
