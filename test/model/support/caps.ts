// The caps, while limits move. Promise: what is there is at most what the limit allows; after a limit
// was lowered, at most what was there then, less what has left since.

import type { Config } from '../../../src/config/config.ts';
import type { Snapshot } from '../../../src/observe/snapshot.ts';
import { LANES, SERVER_STATES } from '../../../src/server/server-states.ts';
import type { MemoryHouse } from '../../support/memory-house.ts';

export class Caps {
  readonly #house: MemoryHouse;
  readonly #problems: string[];
  #config: Config;
  #servers: number;
  #fetches: number;

  constructor(house: MemoryHouse, config: Config, problems: string[]) {
    this.#house = house;
    this.#problems = problems;
    this.#config = config;
    this.#servers = config.limits.serverConnections;
    this.#fetches = config.limits.fetchesInFlight;
  }

  /** `config` is about to hold. */
  change(config: Config): void {
    this.check();
    this.#config = config;
    this.#narrow();
  }

  /** One more connection has been dialled. */
  checkDial(): void {
    this.#compare('connections at Faktory', this.#house.faktory.held, this.#servers);
  }

  check(): void {
    const { servers } = this.#narrow();
    this.#compare('server connections', serverConnections(servers), this.#servers);
    const { commands } = this.#house.faktory;
    this.#compare('FETCHes at Faktory', commands.fetches, this.#fetches);
  }

  #narrow(): Snapshot {
    const { limits, observeOnly } = this.#config;
    const snapshot = this.#house.bouncer.snapshot();
    const { placesTaken, fetches } = snapshot;
    const places = placesTaken.producer + placesTaken.worker;
    this.#servers = observeOnly
      ? Infinity
      : atMost(this.#servers, places, limits.serverConnections);
    this.#fetches = observeOnly
      ? Infinity
      : atMost(this.#fetches, fetches.inFlight, limits.fetchesInFlight);
    return snapshot;
  }

  #compare(what: string, found: number, allowed: number): void {
    if (found > allowed) this.#problems.push(`${found} ${what}, of ${allowed}`);
  }
}

/** Those that exist, from their places on. */
function serverConnections(servers: Snapshot['servers']): number {
  let size = 0;
  for (const lane of LANES) for (const state of SERVER_STATES) size += servers[lane][state];
  return size;
}

function atMost(before: number, now: number, limit: number): number {
  return Math.max(limit, Math.min(before, now));
}
