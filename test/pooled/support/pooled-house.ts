// Pooled mode's rooms, wired as src/bouncer.ts wires them, but over memory and a clock that the
// test moves. Promise: the code under test is the product's own from the client's socket to the
// server's.

import { syncBuiltinESMExports } from 'node:module';
import net from 'node:net';
import { Admission } from '../../../src/admission/admission.ts';
import { type Place, Places } from '../../../src/admission/places.ts';
import { Deadlines } from '../../../src/base/deadlines.ts';
import { Hasher } from '../../../src/base/hasher.ts';
import { Lingering } from '../../../src/base/lingering.ts';
import { BufferBudget } from '../../../src/client/buffer-budget.ts';
import { ClientConnection } from '../../../src/client/client-connection.ts';
import { ClientConnections } from '../../../src/client/client-connections.ts';
import type { ClientParts } from '../../../src/client/client-parts.ts';
import { HandshakeGate } from '../../../src/client/handshake-gate.ts';
import { PasswordCheck } from '../../../src/client/password-check.ts';
import { CommandLane } from '../../../src/lanes/command-lane.ts';
import { FetchGovernor } from '../../../src/lanes/fetch-governor.ts';
import { FetchLane } from '../../../src/lanes/fetch-lane.ts';
import { PooledLanes } from '../../../src/lanes/pooled-lanes.ts';
import { StrayJobs } from '../../../src/lanes/stray-jobs.ts';
import { Counts } from '../../../src/observe/counts.ts';
import { SERVER_STATES } from '../../../src/server/server-states.ts';
import { ControlConnection } from '../../../src/server/control-connection.ts';
import { Dialler } from '../../../src/server/dialler.ts';
import { OWN_HELLO } from '../../../src/server/own-hello.ts';
import { ServerConnections } from '../../../src/server/server-connections.ts';
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
  readonly fetchesInFlight: number;
}

export class PooledHouse {
  readonly clock = new FakeClock();
  readonly counts = new Counts();
  readonly network = new MemoryNetwork();
  readonly faktory = new MemoryFaktory(this.network, this.clock);
  readonly options: HouseOptions;
  readonly bugs: unknown[] = [];
  readonly #places: Places;
  readonly #clients = new ClientConnections();
  readonly #budget = new BufferBudget(1024 * 1024);
  readonly #governor: FetchGovernor;
  readonly #servers: ServerConnections;
  readonly #commandLane: CommandLane;
  readonly #fetchLane: FetchLane;
  readonly #strayJobs: StrayJobs;
  readonly #clientParts: ClientParts;

  constructor(options: HouseOptions) {
    const { clock, counts } = this;
    this.options = options;
    net.connect = () => this.faktory.connect().asSocket;
    syncBuiltinESMExports();
    this.#places = new Places({ ...options, observeOnly: false });
    // For ever: a connection cut off here is one that Faktory still counts until it hears of it.
    const lingering = new Lingering(clock, 3_600_000);
    const hasher = new Hasher();
    const onBug = (error: unknown): void => void this.bugs.push(error);
    const dialler = new Dialler({
      clock,
      random: options.random,
      counts: counts.server,
      onHealth: (up) => {
        if (!up) control.dialAgain();
      },
    });
    this.#servers = new ServerConnections({
      target: {
        host: 'memory',
        port: 1,
        password: '',
        connectTimeoutMs: 2000,
        keepaliveMs: 0,
        writeStallTimeoutMs: 30_000,
      },
      clock,
      counts: counts.server,
      hasher,
      dialler,
      lingering,
      onHandshakeRefused: (what) => this.bugs.push(what),
      onBug,
    });
    this.#places.take('producer');
    const control = new ControlConnection({
      servers: this.#servers,
      clock,
      infoIntervalMs: 0,
      onGivenBack: (job, wasReserved) => this.#strayJobs.onGivenBack(job, wasReserved),
    });
    this.#governor = new FetchGovernor({ ...options, observeOnly: false }, clock, counts.lanes);
    const shared = { servers: this.#servers, clock, counts: counts.lanes };
    this.#commandLane = new CommandLane({
      ...shared,
      hello: OWN_HELLO,
      places: this.#takePlaces(options.commandConnections),
      outageWaitMs: 4000,
      bulkPush: options.bulkPush ?? false,
    });
    this.#fetchLane = new FetchLane({
      ...shared,
      places: this.#places,
      governor: this.#governor,
      fetchesPerWorker: options.fetchesPerWorker,
      lingerMs: 2000,
      producerHello: OWN_HELLO,
    });
    this.#strayJobs = new StrayJobs({
      clock,
      counts: counts.lanes,
      waitingFetches: this.#fetchLane,
      holdMs: 5000,
      giveBack: (job) => control.giveBack(job),
    });
    this.#fetchLane.strayJobs = this.#strayJobs;
    this.#clientParts = {
      clock,
      counts: counts.client,
      limits: {
        clients: 1000,
        maxCommandBytes: 16 * 1024 * 1024,
        refusalDelayMs: 0,
        keepaliveMs: 0,
        writeStallTimeoutMs: 30_000,
        observeOnly: false,
      },
      clients: this.#clients,
      admission: new Admission(
        { perWorker: 0, perAddress: 0, waitingLineSize: 100, observeOnly: false },
        this.#places,
      ),
      lanes: new PooledLanes(this.#commandLane, this.#fetchLane, dialler),
      passwordCheck: new PasswordCheck('', hasher),
      budget: this.#budget,
      lingering,
      gate: new HandshakeGate<ClientConnection>(100),
      handshakeDeadlines: new Deadlines<ClientConnection>(clock, 2000, (client) =>
        client.onHandshakeDeadline(),
      ),
      openingDeadlines: new Deadlines<ClientConnection>(clock, 4000, (client) =>
        client.onOpeningDeadline(),
      ),
      isDraining: () => false,
      onRefused: () => {},
      onEnded: () => {},
      onBug,
    };
    control.start();
    this.#commandLane.start();
  }

  /** A client's end of a new connection; the other end is the bouncer's. */
  accept(): MemorySocket {
    const { near, far } = this.network.pair();
    near.allowHalfOpen = true;
    far.allowHalfOpen = true;
    new ClientConnection(this.#clientParts, far.asSocket).start();
    return near;
  }

  get serverConnections(): number {
    return this.#servers.size;
  }

  /** What of the clients' is still there. */
  leftovers(): string[] {
    const { options } = this;
    const own = 1 + options.commandConnections;
    const fetchServers = this.#servers.counts().fetch;
    const gauges: Record<string, number> = {
      clients: this.#clients.size,
      'fetch servers': SERVER_STATES.reduce((sum, state) => sum + fetchServers[state], 0),
      places: this.#places.taken - own,
      'FETCHes in flight': this.#governor.inFlight,
      'FETCHes waiting': this.#governor.waiting + this.#fetchLane.waiting,
      'commands outstanding': this.#commandLane.outstanding,
      'commands waiting': this.#commandLane.waiting,
      'stray jobs': this.#strayJobs.size,
      'buffered bytes': this.#budget.usedBytes,
      bugs: this.bugs.length,
    };
    return Object.entries(gauges)
      .filter(([, value]) => value !== 0)
      .map(([name, value]) => `${name}: ${value} ${name === 'bugs' ? String(this.bugs) : ''}`);
  }

  #takePlaces(count: number): Place[] {
    const places: Place[] = [];
    for (let i = 0; i < count; i += 1) {
      const place = this.#places.take('producer');
      if (place !== null) places.push(place);
    }
    return places;
  }
}
