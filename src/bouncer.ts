// Builds the parts from a Config and wires them. Promise: the one place that knows all rooms;
// start, drain and nothing else happens here.

import { Admission } from './admission/admission.ts';
import { type Place, Places } from './admission/places.ts';
import { AdminServer } from './admin/admin-server.ts';
import { type Clock, SystemClock } from './base/clock.ts';
import { Deadlines } from './base/deadlines.ts';
import { Hasher } from './base/hasher.ts';
import { Lingering } from './base/lingering.ts';
import { pollUntil } from './base/poll-until.ts';
import { BufferBudget } from './client/buffer-budget.ts';
import type { ClientConnection } from './client/client-connection.ts';
import { ClientConnections } from './client/client-connections.ts';
import { HandshakeGate } from './client/handshake-gate.ts';
import { Listener } from './client/listener.ts';
import { PasswordCheck } from './client/password-check.ts';
import type { Address, Config } from './config/config.ts';
import type { LaneOpener } from './client/client-parts.ts';
import { CommandLane } from './lanes/command-lane.ts';
import { FetchGovernor } from './lanes/fetch-governor.ts';
import { FetchLane } from './lanes/fetch-lane.ts';
import { PooledLanes } from './lanes/pooled-lanes.ts';
import { SessionLanes } from './lanes/session-lanes.ts';
import { StrayJobs } from './lanes/stray-jobs.ts';
import { Counts } from './observe/counts.ts';
import { EventLog } from './observe/event-log.ts';
import type { Logger } from './observe/log.ts';
import { createMetrics } from './observe/prometheus.ts';
import type { Snapshot } from './observe/snapshot.ts';
import { SERVER_STATES } from './server/server-states.ts';
import { OWN_HELLO } from './server/own-hello.ts';
import { ControlConnection } from './server/control-connection.ts';
import { Dialler } from './server/dialler.ts';
import { RedisProbe } from './server/redis-probe.ts';
import { ServerConnections } from './server/server-connections.ts';
import { VERSION } from './version.ts';

/** How often clients are looked over for those that hold up the rest. */
const JANITOR_INTERVAL_MS = 1000;
/** How long a connection that has been told goodbye may take to close. */
const LINGER_MS = 2000;

interface Pool {
  readonly commandLane: CommandLane;
  readonly fetchLane: FetchLane;
}

export class Bouncer {
  readonly #config: Config;
  readonly #clock: Clock = new SystemClock();
  readonly #counts = new Counts();
  readonly #hasher = new Hasher();
  readonly #clients = new ClientConnections();
  readonly #budget: BufferBudget;
  readonly #places: Places;
  readonly #admission: Admission;
  readonly #dialler: Dialler;
  readonly #servers: ServerConnections;
  readonly #control: ControlConnection;
  readonly #governor: FetchGovernor;
  readonly #strayJobs: StrayJobs;
  readonly #redisProbe: RedisProbe | null;
  readonly #listener: Listener;
  readonly #admin: AdminServer;
  readonly #log: Logger;
  readonly #pool: Pool | null;
  #isDraining = false;

  constructor(config: Config, log: Logger) {
    this.#config = config;
    this.#log = log;
    const clock = this.#clock;
    const counts = this.#counts;
    const { limits, observeOnly } = config;
    const events = new EventLog(log, clock, counts);
    this.#budget = new BufferBudget(limits.bufferedBytes);
    this.#places = new Places({
      serverConnections: limits.serverConnections,
      producerReserve: limits.producerReserve,
      observeOnly,
    });
    this.#admission = new Admission(
      {
        perWorker: limits.perWorker,
        perAddress: limits.perAddress,
        waitingLineSize: config.waitingLine.size,
        observeOnly,
      },
      this.#places,
    );
    this.#dialler = new Dialler({
      clock,
      random: Math.random,
      counts: counts.server,
      onHealth: (up, reason) => {
        events.health(up, reason);
        if (!up) this.#control.dialAgain();
      },
    });
    const lingering = new Lingering(clock, LINGER_MS);
    this.#servers = new ServerConnections({
      target: {
        ...config.server.address,
        password: config.server.password,
        connectTimeoutMs: config.server.connectTimeoutMs,
        keepaliveMs: config.keepaliveMs,
        writeStallTimeoutMs: config.writeStallTimeoutMs,
      },
      clock,
      counts: counts.server,
      hasher: this.#hasher,
      dialler: this.#dialler,
      lingering,
      onHandshakeRefused: (what) => events.handshakeRefused(what),
      onBug: (error) => events.bug(error),
    });
    // The bouncer's own connection is inside the cap; its place is never given back.
    this.#places.take('producer');
    this.#control = new ControlConnection({
      servers: this.#servers,
      clock,
      infoIntervalMs: config.server.infoIntervalMs,
      onGivenBack: (job, wasReserved) => this.#strayJobs.onGivenBack(job, wasReserved),
    });
    this.#governor = new FetchGovernor(
      { fetchesInFlight: limits.fetchesInFlight, observeOnly },
      clock,
      counts.lanes,
    );
    this.#pool = config.mode === 'pooled' ? this.#buildPool() : null;
    this.#strayJobs = new StrayJobs({
      clock,
      counts: counts.lanes,
      waitingFetches: this.#pool?.fetchLane ?? this.#governor,
      holdMs: config.pool.holdMs,
      giveBack: (job) => this.#control.giveBack(job),
    });
    const lanes = this.#buildLaneOpener();
    this.#listener = new Listener({
      clock,
      counts: counts.client,
      limits: {
        clients: limits.clients,
        maxCommandBytes: config.maxCommandBytes,
        refusalDelayMs: config.refusalDelayMs,
        keepaliveMs: config.keepaliveMs,
        writeStallTimeoutMs: config.writeStallTimeoutMs,
        observeOnly,
      },
      clients: this.#clients,
      admission: this.#admission,
      lanes,
      passwordCheck: new PasswordCheck(config.server.password, this.#hasher),
      budget: this.#budget,
      lingering,
      gate: new HandshakeGate<ClientConnection>(observeOnly ? Infinity : limits.handshakes),
      handshakeDeadlines: new Deadlines<ClientConnection>(clock, config.handshakeTimeoutMs, (c) =>
        c.onHandshakeDeadline(),
      ),
      openingDeadlines: new Deadlines<ClientConnection>(clock, config.waitingLine.timeoutMs, (c) =>
        c.onOpeningDeadline(),
      ),
      isDraining: () => this.#isDraining,
      onRefused: (reason, text) => events.refused(reason, text),
      onEnded: (reason, role, seconds) => events.clientEnded(reason, role, seconds),
      onBug: (error) => events.bug(error),
    });
    this.#redisProbe =
      config.redis.url === ''
        ? null
        : new RedisProbe({ url: config.redis.url, intervalMs: config.redis.intervalMs, log });
    this.#admin = new AdminServer({
      metrics: createMetrics(counts, () => this.snapshot(), VERSION),
      readiness: () => this.#readiness(),
      log,
    });
  }

  /** What is there only in pooled mode. The command lane's share of the cap comes first. */
  #buildPool(): Pool {
    const { pool, limits } = this.#config;
    const shared = { servers: this.#servers, clock: this.#clock, counts: this.#counts.lanes };
    const places: Place[] = [];
    for (let i = 0; i < Math.min(pool.commandConnections, limits.serverConnections); i += 1) {
      const place = this.#places.take('producer');
      if (place !== null) places.push(place);
    }
    const commandLane = new CommandLane({
      ...shared,
      hello: OWN_HELLO,
      places,
      outageWaitMs: pool.outageWaitMs,
      bulkPush: pool.bulkPush,
    });
    const fetchLane = new FetchLane({
      ...shared,
      places: this.#places,
      governor: this.#governor,
      fetchesPerWorker: pool.fetchesPerWorker,
      lingerMs: pool.lingerMs,
      producerHello: OWN_HELLO,
    });
    return { commandLane, fetchLane };
  }

  #buildLaneOpener(): LaneOpener {
    if (this.#pool === null) {
      return new SessionLanes(
        { servers: this.#servers, governor: this.#governor, strayJobs: this.#strayJobs },
        this.#dialler,
      );
    }
    this.#pool.fetchLane.strayJobs = this.#strayJobs;
    return new PooledLanes(this.#pool.commandLane, this.#pool.fetchLane, this.#dialler);
  }

  /** Opens both ports and starts towards Faktory; rejects with the system's error for a port. */
  async start(): Promise<{ readonly listen: Address; readonly admin: Address }> {
    const admin = await this.#admin.listen(this.#config.admin.address);
    try {
      const { address, backlog } = this.#config.listen;
      const listen = await this.#listener.listen(address, backlog);
      this.#control.start();
      this.#pool?.commandLane.start();
      this.#redisProbe?.start();
      this.#scheduleJanitor();
      return { listen, admin };
    } catch (error) {
      await this.#admin.close();
      throw error;
    }
  }

  /** Stops: accepts nobody, lets commands in flight get their replies, closes all, within drain_timeout. */
  async drain(reason: string): Promise<void> {
    this.#isDraining = true;
    this.#log.info({ reason, clients: this.#clients.size }, 'draining');
    const clock = this.#clock;
    const deadline = clock.now() + this.#config.drainTimeoutMs;
    this.#listener.close();
    this.#pool?.fetchLane.drain();
    for (const client of [...this.#clients]) client.drain();
    await pollUntil(clock, () => this.#clients.size === 0, deadline);
    for (const client of [...this.#clients]) client.abandon();
    // Those of clients are gone once FETCHes of clients that had left are answered.
    await pollUntil(clock, () => this.#clientServers() === 0, deadline);
    this.#strayJobs.giveBackAll();
    await pollUntil(clock, () => this.#control.pending === 0, deadline);
    this.#control.stop();
    this.#pool?.commandLane.stop();
    this.#servers.closeAll();
    await pollUntil(clock, () => this.#servers.size === 0, deadline);
    this.#servers.destroyAll();
    this.#redisProbe?.stop();
    await this.#hasher.close();
    await this.#admin.close();
  }

  /** What is there now, read from the live structures. */
  snapshot(): Snapshot {
    const { limits, waitingLine, mode } = this.#config;
    const now = this.#clock.now();
    const oldestSince = this.#admission.oldestSince();
    return {
      draining: this.#isDraining,
      mode,
      clients: this.#clients.counts(),
      servers: this.#servers.counts(),
      placesTaken: this.#places.counts(),
      limits: {
        clients: limits.clients,
        handshakes: limits.handshakes,
        serverConnections: limits.serverConnections,
        producerReserve: limits.producerReserve,
        fetchesInFlight: limits.fetchesInFlight,
        waitingLine: waitingLine.size,
        bufferedBytes: limits.bufferedBytes,
      },
      waitingLine: {
        length: {
          producer: this.#admission.waiting('producer'),
          worker: this.#admission.waiting('worker'),
        },
        oldestWaitSeconds: oldestSince === null ? 0 : (now - oldestSince) / 1000,
      },
      fetches: {
        inFlight: this.#governor.inFlight,
        waiting: this.#pool?.fetchLane.waiting ?? this.#governor.waiting,
      },
      commandLane: {
        outstanding: this.#pool?.commandLane.outstanding ?? 0,
        waiting: this.#pool?.commandLane.waiting ?? 0,
      },
      workers: this.#admission.workers,
      strayJobs: this.#strayJobs.size,
      bufferedBytes: this.#budget.usedBytes,
      faktory: { up: this.#dialler.isUp, info: this.#control.info(now) },
      redis: this.#redisProbe?.info ?? null,
      lastFailure: this.#dialler.lastFailure,
    };
  }

  /** Server connections that exist for clients: not the bouncer's own, not the command lane's. */
  #clientServers(): number {
    const counts = this.#servers.counts();
    let size = 0;
    for (const state of SERVER_STATES) size += counts.session[state] + counts.fetch[state];
    return size;
  }

  #readiness(): { readonly ready: true } | { readonly ready: false; readonly reason: string } {
    if (this.#isDraining) return { ready: false, reason: 'stopping' };
    if (this.#dialler.isUp) return { ready: true };
    return { ready: false, reason: 'Faktory has not answered a handshake; see the log' };
  }

  #scheduleJanitor(): void {
    this.#clock.after(JANITOR_INTERVAL_MS, () => {
      const now = this.#clock.now();
      for (const client of this.#clients) client.checkStall(now);
      if (!this.#isDraining) this.#scheduleJanitor();
    });
  }
}
