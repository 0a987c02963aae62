// A whole bouncer over a network in memory and a clock that the test moves. Promise: it is the
// product's own composition; only its surroundings are the test's.

import { SILENT } from '../../src/base/service-manager.ts';
import { Bouncer } from '../../src/bouncer.ts';
import { CLIENT_STATES, type ClientState } from '../../src/client/client-states.ts';
import type { Config } from '../../src/config/config.ts';
import type { Counts } from '../../src/observe/counts.ts';
import type { Surroundings } from '../../src/surroundings.ts';
import { FakeClock } from './fake-clock.ts';
import { MemoryFaktory } from './memory-faktory.ts';
import { MemoryHasher } from './memory-hasher.ts';
import { memoryLog } from './memory-log.ts';
import { MemoryNetwork, type MemorySocket } from './memory-socket.ts';

type Accepted = Parameters<Surroundings['listen']>[1];

const MEMORY = { host: 'memory', port: 1 };

export class MemoryHouse {
  readonly clock = new FakeClock();
  readonly network = new MemoryNetwork();
  readonly hasher = new MemoryHasher();
  readonly config: Config;
  readonly faktory: MemoryFaktory;
  readonly bouncer: Bouncer;
  /** Stacks of defects that were logged. */
  readonly bugs: string[] = [];
  /** Hears every log line, from debug on. */
  onLogLine: () => void = () => {};
  /** How what is on its way is handed over. */
  deliver: (end: MemorySocket, bytes: number) => void = (end, bytes) => end.deliver(bytes);
  /** Called after each dial, with the bouncer's end. */
  onDial: (near: MemorySocket) => void = () => {};
  #accepted: Accepted = () => {};
  #isListening = false;

  constructor(config: Config, random: () => number) {
    this.config = config;
    const { clock, network } = this;
    const { password } = config.server;
    this.faktory = new MemoryFaktory({ network, clock, random, password });
    this.bouncer = new Bouncer(config, this.#surroundings(random));
  }

  /** Listens, and begins to dial Faktory. */
  async start(): Promise<this> {
    await this.bouncer.start();
    return this;
  }

  get counts(): Counts {
    return this.bouncer.counts;
  }

  /** Whether somebody may connect. */
  get isListening(): boolean {
    return this.#isListening;
  }

  /** A client's end of a new connection; the other end is the bouncer's. */
  accept(): MemorySocket {
    const { near, far } = this.network.pair();
    near.allowHalfOpen = true;
    far.allowHalfOpen = true;
    try {
      this.#accepted(far.asSocket);
    } catch (error) {
      this.network.onUncaught(error);
    }
    return near;
  }

  /** How many clients are in each state, whatever their role. */
  clientStates(): Record<ClientState, number> {
    const { unknown, producer, worker } = this.bouncer.snapshot().clients;
    const states = {} as Record<ClientState, number>;
    for (const state of CLIENT_STATES) {
      states[state] = unknown[state] + producer[state] + worker[state];
    }
    return states;
  }

  /** Server connections that are the bouncer's own. */
  get ownPlaces(): number {
    return this.config.mode === 'pooled' ? 1 + this.config.pool.commandConnections : 1;
  }

  /** What of the clients' is still there. */
  leftovers(): string[] {
    const snapshot = this.bouncer.snapshot();
    const { clients, servers, placesTaken, fetches, commandLane } = snapshot;
    const gauges: Record<string, number> = {
      clients: sum(clients.unknown) + sum(clients.producer) + sum(clients.worker),
      'fetch servers': sum(servers.fetch),
      'session servers': sum(servers.session),
      places: sum(placesTaken) - this.ownPlaces,
      'clients waiting': sum(snapshot.waitingLine.length),
      'FETCHes in flight': fetches.inFlight,
      'FETCHes waiting': fetches.waiting,
      'commands outstanding': commandLane.outstanding,
      'commands waiting': commandLane.waiting,
      'stray jobs': snapshot.strayJobs,
      'writes held': snapshot.writes.held,
      'buffered bytes': snapshot.bufferedBytes,
      bugs: this.counts.bugs.total,
    };
    return Object.entries(gauges)
      .filter(([, value]) => value !== 0)
      .map(([name, value]) => `${name}: ${value}${name === 'bugs' ? ` ${String(this.bugs)}` : ''}`);
  }

  #surroundings(random: () => number): Surroundings {
    return {
      clock: this.clock,
      random,
      dial: () => {
        const near = this.faktory.connect();
        this.onDial(near);
        return near.asSocket;
      },
      listen: async (_options, accepted) => {
        this.#accepted = accepted;
        this.#isListening = true;
        return { address: MEMORY, close: () => (this.#isListening = false) };
      },
      log: memoryLog((defect) => {
        if (defect !== null) this.bugs.push(defect);
        this.onLogLine();
      }),
      configSource: {
        load: async () => ({ config: this.config, warnings: [] }),
        filesOf: () => [],
      },
      manager: SILENT,
      hasher: this.hasher,
      admin: () => ({ listen: async () => MEMORY, close: async () => {} }),
    };
  }
}

function sum(record: Record<string, number>): number {
  return Object.values(record).reduce((total, value) => total + value, 0);
}
