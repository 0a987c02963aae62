// One bouncer, built from a Config and its surroundings. Promise: the parts are wired here and in
// upstream.ts and nowhere else; a bouncer starts, tells what is there, reloads, drains, and nothing else.

import { Admission } from './admission/admission.ts';
import { Places } from './admission/places.ts';
import { BufferBudget } from './base/buffer-budget.ts';
import type { Operated } from './admin/operated.ts';
import type { Readiness } from './admin/route.ts';
import type { Address, SocketPath } from './base/address.ts';
import type { Timer } from './base/clock.ts';
import { eachOf } from './base/each-of.ts';
import { GuardedClock } from './base/guarded-clock.ts';
import type { Hasher } from './base/hasher.ts';
import { Lingering } from './base/lingering.ts';
import type { Listening } from './base/network.ts';
import { pollUntil, sleep } from './base/poll-until.ts';
import { StallWatch } from './base/stall-watch.ts';
import { Turns } from './base/turns.ts';
import type { Wiring } from './base/wire.ts';
import type { Approach } from './base/wire-socket.ts';
import { Clients } from './client/clients.ts';
import { DEPARTURE_INTERVAL_MS } from './client/departure.ts';
import type { Config } from './config/config.ts';
import { Counts } from './observe/counts.ts';
import { OPTION_KEYS, OPTIONS } from './config/options.ts';
import { EventLog } from './observe/event-log.ts';
import { History } from './observe/history.ts';
import type { Logger } from './observe/log.ts';
import { allFamilies } from './observe/families/all.ts';
import { JobWatch } from './observe/jobs/job-watch.ts';
import { createMetrics } from './observe/prometheus.ts';
import { safeLog } from './observe/safe-log.ts';
import type { Snapshot } from './observe/snapshot.ts';
import { Statsd, type StatsdParts } from './observe/statsd/statsd.ts';
import { RedisProbe } from './redis/redis-probe.ts';
import { WriteProbe } from './redis/write-probe.ts';
import { type ReloadResult, Reloads } from './reloads.ts';
import { Settings } from './settings.ts';
import type { Admin, Surroundings } from './surroundings.ts';
import { ProxyStage } from './transport/proxy-stage.ts';
import { CertificateWatch, type WatchedCertificate } from './transport/certificate-watch.ts';
import { TlsContext } from './transport/tls-context.ts';
import { ACCESS_DENIED, TlsStage } from './transport/tls-stage.ts';
import { Upstream } from './upstream.ts';
import { VERSION } from './version.ts';

/** How often clients are looked over for those that hold up the rest. */
const JANITOR_INTERVAL_MS = 1000;
/** How long a connection that has been told goodbye may take to close. */
const LINGER_MS = 2000;

export class Bouncer {
  readonly counts: Counts;
  readonly #config: Config;
  readonly #surroundings: Surroundings;
  readonly #onBug: (error: unknown) => void;
  /** Whose level a reload sets; what is logged goes through the safe log. */
  readonly #rawLog: Logger;
  readonly #settings: Settings;
  readonly #hasher: Hasher;
  readonly #budget: BufferBudget;
  readonly #places: Places;
  readonly #admission: Admission;
  readonly #upstream: Upstream;
  readonly #clients: Clients;
  readonly #redisProbe: RedisProbe | null;
  readonly #writeProbe: WriteProbe | null;
  readonly #statsd: Statsd | null;
  readonly #admin: Admin;
  readonly #reloads: Reloads;
  readonly #tls: TlsContext;
  readonly #certificates: CertificateWatch;
  readonly #history = new History();
  readonly #ended = Promise.withResolvers<void>();
  #listening: Listening | null = null;
  #janitor: Timer | null = null;
  /** Ends with the drain; null before it begins. */
  #drained: Promise<void> | null = null;

  constructor(config: Config, surroundings: Surroundings) {
    const log = safeLog(surroundings.log);
    const { jobs, jobsMax } = config.metrics;
    const counts = new Counts(jobs === 'on' ? jobsMax : 0);
    this.counts = counts;
    const settings = new Settings(config);
    const events = new EventLog({
      log,
      clock: surroundings.clock,
      counts,
      connections: settings.connectionLog,
      random: surroundings.random,
    });
    const clock = new GuardedClock(surroundings.clock, (error) => events.bug(error));
    this.#config = config;
    this.#onBug = (error) => events.bug(error);
    this.#rawLog = surroundings.log;
    this.#surroundings = { ...surroundings, clock, log };
    this.#settings = settings;
    this.#tls = new TlsContext(counts.transport);
    this.#tls.replace(config.listen.tls.loaded);
    this.#certificates = new CertificateWatch(clock, (option, days) =>
      events.certificateExpires(option, days),
    );
    this.#hasher = surroundings.hasher;
    const wiring: Wiring = {
      turns: new Turns(surroundings.clock),
      stalls: new StallWatch(clock, () => settings.client.current.writeStallTimeoutMs),
      lingering: new Lingering(clock, LINGER_MS),
      onBug: (error) => events.bug(error),
    };
    this.#budget = new BufferBudget(clock, settings.client);
    this.#places = new Places(settings.limits);
    this.#admission = new Admission(settings.limits, this.#places, (error) => events.bug(error));
    this.#upstream = new Upstream({
      mode: config.mode,
      pool: config.pool,
      username: config.server.username,
      settings,
      surroundings: this.#surroundings,
      counts,
      events,
      hasher: this.#hasher,
      wiring,
      budget: this.#budget,
      places: this.#places,
    });
    const watch = jobWatchOf(config, counts, (error) => events.bug(error));
    this.#clients = new Clients({
      clock,
      counts: counts.client,
      settings: settings.client,
      limits: settings.limits,
      admission: this.#admission,
      lanes: this.#upstream.lanes,
      health: this.#upstream.health,
      hasher: this.#hasher,
      budget: this.#budget,
      wiring,
      approach: (address, isWanted) => this.#approach(address, isWanted),
      events,
      watch,
    });
    this.#redisProbe =
      config.redis.url === ''
        ? null
        : new RedisProbe({
            url: config.redis.url,
            intervalMs: () => settings.bouncer.current.redisIntervalMs,
            log,
          });
    this.#writeProbe =
      config.redis.url === ''
        ? null
        : new WriteProbe({
            url: config.redis.url,
            clock,
            listener: this.#upstream,
            onBug: (error) => events.bug(error),
          });
    this.#reloads = new Reloads({
      source: surroundings.configSource,
      clock,
      log,
      counts: counts.reloads,
      manager: surroundings.manager,
      config,
      apply: (changed) => this.apply(changed),
    });
    const families = allFamilies(VERSION);
    this.#statsd = statsdOf(config, {
      families,
      source: () => ({ counts, snapshot: this.snapshot() }),
      counts: counts.statsd,
      runTimes: () => watch?.takeRecent() ?? [],
      clock,
      log,
    });
    this.#admin = surroundings.admin(() => ({
      metrics: createMetrics(families, counts, () => this.snapshot()),
      readiness: () => this.#readiness(),
      operated: this.#operated(),
      clock,
      token: config.admin.token,
      socketMode: config.admin.socketMode,
      log,
    }));
  }

  /** Opens both ports and starts towards Faktory; rejects with the system's error for a port. */
  async start(): Promise<{ readonly listen: Address; readonly admin: Address | SocketPath }> {
    const admin = await this.#admin.listen(this.#config.admin.address);
    try {
      this.#listening = await this.#surroundings.listen(this.#config.listen, (socket) =>
        this.#clients.accept(socket),
      );
    } catch (error) {
      await this.#admin.close();
      throw error;
    }
    this.#upstream.start();
    this.#redisProbe?.start();
    this.#writeProbe?.start();
    this.#reloads.start();
    this.#statsd?.start();
    this.#scheduleJanitor();
    this.#certificates.replace(certificatesOf(this.#config));
    return { listen: this.#listening.address, admin };
  }

  /**
   * Stops. It is not ready from now on, but serves clients for drain_delay. Then it accepts no more
   * connections, and within drain_timeout commands in flight get their replies while clients leave in
   * turns. Later calls join the first.
   */
  drain(reason: string): Promise<void> {
    if (this.#drained === null) {
      this.#drained = this.#drain(reason);
      this.#drained.then(this.#ended.resolve, this.#ended.reject);
    }
    return this.#drained;
  }

  /** Resolves when a drain has come to its end, whatever began it. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  async #drain(reason: string): Promise<void> {
    const { clock, log, manager } = this.#surroundings;
    const { drainDelayMs, drainTimeoutMs } = this.#settings.bouncer.current;
    log.info({ reason, clients: this.#clients.size, delayMs: drainDelayMs }, 'draining');
    manager.stopping();
    if (drainDelayMs > 0) await sleep(clock, drainDelayMs);
    const deadline = clock.now() + drainTimeoutMs;
    eachOf(this.#onBug, [
      () => this.#listening?.close(),
      () => this.#janitor?.cancel(),
      // What waits must be answered, and jobs given back.
      () => this.resume(),
    ]);
    await this.#letLeave(drainTimeoutMs / 2);
    await pollUntil(clock, () => this.#clients.size === 0, deadline);
    this.#clients.abandon();
    await this.#upstream.stop(deadline);
    this.#reloads.stop();
    this.#redisProbe?.stop();
    this.#writeProbe?.stop();
    this.#certificates.stop();
    await this.#hasher.close();
    await this.#statsd?.stop();
    await this.#admin.close();
  }

  /** FETCHes are sent until the last clients leave: those that stay would ask again without a pause. */
  async #letLeave(spreadMs: number): Promise<void> {
    const departure = this.#clients.depart(spreadMs);
    while (!departure.isLastTurn) {
      departure.takeTurn();
      await sleep(this.#surroundings.clock, DEPARTURE_INTERVAL_MS);
    }
    this.#upstream.lanes.drain();
    departure.takeTurn();
  }

  /** Whether commands wait in the bouncer because an operator wants it so. */
  get isPaused(): boolean {
    return this.#upstream.pause.isPaused;
  }

  /** From now on nothing is sent to Faktory, and commands wait as in an outage. Idempotent. */
  pause(): void {
    if (this.#upstream.pause.set(true)) {
      this.#surroundings.log.warn('paused: commands wait, and nothing is sent to Faktory');
    }
  }

  /** What waits is sent. Idempotent. */
  resume(): void {
    if (this.#upstream.pause.set(false)) this.#surroundings.log.info('resumed');
  }

  /** Reads the configuration again and applies what has changed; a wrong one changes nothing. */
  reload(): Promise<ReloadResult> {
    return this.#reloads.reload();
  }

  /** From now on everything reloadable is as `config` says; no connection is dropped. */
  apply(config: Config): void {
    this.#tls.replace(config.listen.tls.loaded);
    this.#certificates.replace(certificatesOf(config));
    this.#settings.apply(config);
    this.#rawLog.level = config.log.level;
    this.#budget.settingsChanged();
    this.#upstream.settingsChanged();
    this.#redisProbe?.settingsChanged();
  }

  /** What is there now, read from the live structures. */
  snapshot(): Snapshot {
    const { limits } = this.#settings;
    const now = this.#surroundings.clock.now();
    const oldestSince = this.#admission.oldestSince();
    const { servers, fetches, commandLane, writes, strayJobs, info } = this.#upstream.gauges(now);
    const { health } = this.#upstream;
    return {
      draining: this.#drained !== null,
      paused: this.isPaused,
      mode: this.#config.mode,
      clients: this.#clients.counts(),
      unusedClients: this.#clients.unused(now),
      servers,
      placesTaken: this.#places.counts(),
      limits: {
        clients: limits.clients.value,
        handshakes: limits.handshakes.value,
        serverConnections: limits.serverConnections.value,
        producerReserve: limits.producerReserve.current,
        fetchesInFlight: limits.fetchesInFlight.value,
        waitingLine: limits.waitingLine.value,
        bufferedBytes: this.#settings.client.current.bufferedBytes,
      },
      peaks: {
        clients: this.#clients.peak,
        serverConnections: this.#places.peak,
        fetchesInFlight: fetches.peak,
        waitingLine: this.#admission.waitingPeak,
      },
      waitingLine: {
        length: {
          producer: this.#admission.waiting('producer'),
          worker: this.#admission.waiting('worker'),
        },
        oldestWaitSeconds: oldestSince === null ? 0 : (now - oldestSince) / 1000,
      },
      fetches: { inFlight: fetches.inFlight, waiting: fetches.waiting },
      commandLane,
      writes,
      workers: this.#admission.workers,
      strayJobs,
      bufferedBytes: this.#budget.usedBytes,
      faktory: { up: health.isUp, info },
      redis: this.#redisProbe?.info ?? null,
      certificates: this.#certificates.certificates,
      lastFailure: health.lastFailure,
    };
  }

  /** What the admin address may read and cause. */
  #operated(): Operated {
    return {
      version: VERSION,
      mode: this.#config.mode,
      counts: this.counts,
      history: this.#history,
      reloading: this,
      pausing: this,
      snapshot: () => this.snapshot(),
      clientFacts: () => this.#clients.facts(),
      serverFacts: () => this.#upstream.serverFacts(),
      options: () =>
        OPTION_KEYS.map((key) => {
          const { show, fallback, reloadable } = OPTIONS[key];
          return { key, value: show(this.#reloads.config), fallback, reloadable };
        }),
      disconnect: (choice) => this.#clients.disconnect(choice),
      drain: (reason) => this.drain(reason),
    };
  }

  /** One sample of what fills up. */
  #sample(): void {
    const { clock } = this.#surroundings;
    let refused = 0;
    for (const count of Object.values(this.counts.client.refusals.values)) refused += count;
    this.#history.add({
      at: clock.wallMs(),
      clients: this.#clients.admittable,
      serverConnections: this.#places.taken,
      fetchesInFlight: this.#upstream.fetchesInFlight,
      waitingLine: this.#admission.waiting('producer') + this.#admission.waiting('worker'),
      refused,
    });
  }

  /** What the next connection is read through first. */
  #approach(address: string, isWanted: (address: string) => boolean): Approach | null {
    const proxy = this.#settings.proxy.current;
    const header = proxy.proxyProtocol === 'off' ? null : new ProxyStage(proxy);
    // Without an address nobody knows who it is.
    const isAddressKnown = header === null || !header.mayNameAnother(address);
    if (this.#tls.isOn) {
      // One whose address is known is asked about before the stage.
      const isWantedBehind = isAddressKnown ? undefined : isWanted;
      const stage = new TlsStage(this.#tls, header, isWantedBehind);
      return { stage, isAddressKnown, refusal: ACCESS_DENIED };
    }
    return header === null ? null : { stage: header, isAddressKnown, refusal: null };
  }

  #readiness(): Readiness {
    if (this.#drained !== null) return { ready: false, reason: 'the bouncer is draining' };
    if (this.#upstream.health.isUp) return { ready: true };
    return { ready: false, reason: 'Faktory is unreachable; see the log' };
  }

  #scheduleJanitor(): void {
    const { clock } = this.#surroundings;
    this.#janitor = clock.after(JANITOR_INTERVAL_MS, () => {
      this.#scheduleJanitor();
      this.#clients.check(clock.now());
      this.#sample();
    });
  }
}

/** Null where jobs are not counted, so that nothing looks at replies. */
function jobWatchOf(
  { metrics, statsd }: Config,
  counts: Counts,
  onBug: (error: unknown) => void,
): JobWatch | null {
  if (metrics.jobs === 'off') return null;
  const keepsRecent = statsd.target !== null && statsd.legacyNames === 'enterprise';
  return new JobWatch({ counts: counts.jobs, keepsRecent, onBug });
}

function statsdOf({ statsd }: Config, parts: Omit<StatsdParts, 'settings'>): Statsd | null {
  const { target } = statsd;
  return target === null ? null : new Statsd({ ...parts, settings: { ...statsd, target } });
}

/** Those that the files of `config` hold. */
function certificatesOf({ listen, server }: Config): readonly WatchedCertificate[] {
  const withClients = listen.tls.loaded;
  const withFaktory = server.tls.loaded;
  const files = [
    ['listen.tls.certificate', withClients?.certificate],
    ['listen.tls.client_ca', withClients?.clientCa],
    ['server.tls.ca', withFaktory?.ca],
    ['server.tls.certificate', withFaktory?.own?.certificate],
  ] as const;
  return files.flatMap(([option, file]) =>
    file === undefined || file === null ? [] : [{ option, expiresAtMs: file.expiresAtMs }],
  );
}
