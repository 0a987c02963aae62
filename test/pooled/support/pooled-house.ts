// A whole bouncer in pooled mode, over a network in memory and a clock that the test moves. Promise: it
// is the product's own composition; only its surroundings are the test's.

import { Hasher } from '../../../src/base/hasher.ts';
import { Bouncer } from '../../../src/bouncer.ts';
import type { Counts } from '../../../src/observe/counts.ts';
import { createLog } from '../../../src/observe/log.ts';
import { SERVER_STATES } from '../../../src/server/server-states.ts';
import type { Surroundings } from '../../../src/surroundings.ts';
import { configFor } from '../../support/bouncer.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { MemoryFaktory } from './memory-faktory.ts';
import { MemoryNetwork, type MemorySocket } from './memory-socket.ts';

export interface HouseOptions {
  readonly random: () => number;
  readonly serverConnections: number;
  readonly producerReserve: number;
  readonly commandConnections: number;
  /** Whether PUSHes may travel as one PUSHB. */
  readonly bulkPush?: boolean;
  readonly fetchesPerWorker: number;
  /** As many as fetchesPerWorker unless the test says otherwise. */
  readonly fetchesPerWorkerMax?: number;
  readonly fetchesInFlight: number;
}

type Accepted = Parameters<Surroundings['listen']>[2];

const MEMORY = { host: 'memory', port: 1 };

export class PooledHouse {
  readonly clock = new FakeClock();
  readonly network = new MemoryNetwork();
  readonly faktory = new MemoryFaktory(this.network, this.clock);
  readonly options: HouseOptions;
  readonly bouncer: Bouncer;
  /** Log lines about defects. */
  readonly bugs: string[] = [];
  #accepted: Accepted = () => {};

  constructor(options: HouseOptions) {
    this.options = options;
    const config = configFor({
      port: 1,
      overrides: {
        mode: 'pooled',
        'limits.server_connections': options.serverConnections,
        'limits.producer_reserve': options.producerReserve,
        'limits.fetches_in_flight': options.fetchesInFlight,
        'limits.buffered_bytes': '1MiB',
        max_command_bytes: '1MiB',
        'waiting_line.size': 100,
        'pool.command_connections': options.commandConnections,
        'pool.fetches_per_worker': options.fetchesPerWorker,
        'pool.fetches_per_worker_max': options.fetchesPerWorkerMax ?? options.fetchesPerWorker,
        'pool.bulk_push': options.bulkPush ?? false,
        'server.info_interval': '0s',
      },
    });
    this.bouncer = new Bouncer(config, this.#surroundings(options.random));
  }

  /** Listens, and begins to dial Faktory. */
  async start(): Promise<this> {
    await this.bouncer.start();
    return this;
  }

  static open(options: HouseOptions): Promise<PooledHouse> {
    return new PooledHouse(options).start();
  }

  get counts(): Counts {
    return this.bouncer.counts;
  }

  /** A client's end of a new connection; the other end is the bouncer's. */
  accept(): MemorySocket {
    const { near, far } = this.network.pair();
    near.allowHalfOpen = true;
    far.allowHalfOpen = true;
    this.#accepted(far.asSocket);
    return near;
  }

  get serverConnections(): number {
    const { servers } = this.bouncer.snapshot();
    let size = 0;
    for (const lane of Object.values(servers)) {
      for (const state of SERVER_STATES) size += lane[state];
    }
    return size;
  }

  /** What of the clients' is still there. */
  leftovers(): string[] {
    const snapshot = this.bouncer.snapshot();
    const { clients, servers, placesTaken, fetches, commandLane } = snapshot;
    const own = 1 + this.options.commandConnections;
    const sum = (record: Record<string, number>): number =>
      Object.values(record).reduce((total, value) => total + value, 0);
    const gauges: Record<string, number> = {
      clients: sum(clients.unknown) + sum(clients.producer) + sum(clients.worker),
      'fetch servers': sum(servers.fetch),
      places: sum(placesTaken) - own,
      'FETCHes in flight': fetches.inFlight,
      'FETCHes waiting': fetches.waiting,
      'commands outstanding': commandLane.outstanding,
      'commands waiting': commandLane.waiting,
      'stray jobs': snapshot.strayJobs,
      'buffered bytes': snapshot.bufferedBytes,
      bugs: this.counts.bugs.total,
    };
    return Object.entries(gauges)
      .filter(([, value]) => value !== 0)
      .map(([name, value]) => `${name}: ${value} ${name === 'bugs' ? String(this.bugs) : ''}`);
  }

  #surroundings(random: () => number): Surroundings {
    const note = (line: string): void => {
      if (line.includes('defect')) this.bugs.push(line);
    };
    return {
      clock: this.clock,
      random,
      dial: () => this.faktory.connect().asSocket,
      listen: async (_address, _backlog, accepted) => {
        this.#accepted = accepted;
        return { address: MEMORY, close: () => {} };
      },
      log: createLog('error', { write: note }),
      hasher: new Hasher(),
      admin: () => ({ listen: async () => MEMORY, close: async () => {} }),
    };
  }
}
