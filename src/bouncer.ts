// One bouncer, built from a Config and its surroundings. Promise: the parts are wired here and in
// upstream.ts and nowhere else. What it tells of itself is read in gauges.ts; how it stops is drain.ts.

import { Admission } from './admission/admission.ts';
import { Places } from './admission/places.ts';
import type { Operated, ReloadResult } from './admin/operated.ts';
import type { Address, SocketPath } from './base/address.ts';
import { BufferBudget } from './base/buffer-budget.ts';
import type { Timer } from './base/clock.ts';
import { GuardedClock } from './base/guarded-clock.ts';
import { Lingering } from './base/lingering.ts';
import type { Listening } from './base/network.ts';
import { StallWatch } from './base/stall-watch.ts';
import { Turns } from './base/turns.ts';
import type { Wiring } from './base/wire.ts';
import { Clients } from './client/clients.ts';
import type { Config } from './config/config.ts';
import { optionFacts } from './config/effective.ts';
import { Drain } from './drain.ts';
import { Gauges } from './gauges.ts';
import { ClientLog } from './observe/client-log.ts';
import { Counts } from './observe/counts.ts';
import { DefectLog } from './observe/defect-log.ts';
import { allFamilies } from './observe/families/all.ts';
import { History } from './observe/history.ts';
import { JobWatch } from './observe/jobs/job-watch.ts';
import type { Logger } from './observe/log.ts';
import { createMetrics } from './observe/prometheus.ts';
import { safeLog } from './observe/safe-log.ts';
import type { Snapshot } from './observe/snapshot.ts';
import { Statsd, type StatsdParts } from './observe/statsd/statsd.ts';
import { Reloads } from './reloads.ts';
import { type Lending, SharedLimit } from './shared-limit.ts';
import { Settings, watchedCertificates } from './settings.ts';
import type { LeasePort } from './sharing/lease.ts';
import type { Admin, Surroundings } from './surroundings.ts';
import { CertificateWatch } from './transport/certificate-watch.ts';
import { ClientStages } from './transport/client-stages.ts';
import { Upstream } from './upstream.ts';
import { VERSION } from './version.ts';

/** How often clients are looked over for those that hold up the rest, and the history gets a sample. */
const JANITOR_INTERVAL_MS = 1000;
/** How long a connection that has been told goodbye may take to close. */
const LINGER_MS = 2000;

export class Bouncer {
  readonly counts: Counts;
  readonly #config: Config;
  readonly #surroundings: Surroundings;
  /** Whose level a reload sets; what is logged goes through the safe log. */
  readonly #rawLog: Logger;
  readonly #settings: Settings;
  readonly #budget: BufferBudget;
  readonly #upstream: Upstream;
  readonly #clients: Clients;
  /** Null where the limit is this bouncer's alone. */
  readonly #sharedLimit: SharedLimit | null;
  readonly #stages: ClientStages;
  readonly #certificates: CertificateWatch;
  readonly #gauges: Gauges;
  readonly #history = new History();
  readonly #drain: Drain;
  readonly #reloads: Reloads;
  readonly #statsd: Statsd | null;
  readonly #admin: Admin;
  #listening: Listening | null = null;
  #janitor: Timer | null = null;

  constructor(config: Config, surroundings: Surroundings) {
    const log = safeLog(surroundings.log);
    const { random, hasher, manager } = surroundings;
    const { jobs, jobsMax } = config.metrics;
    const counts = new Counts(jobs === 'on' ? jobsMax : 0);
    const settings = new Settings(config);
    const defects = new DefectLog(log, surroundings.clock, counts.bugs);
    const onBug = (error: unknown): void => defects.bug(error);
    const clock = new GuardedClock(surroundings.clock, onBug);
    this.counts = counts;
    this.#config = config;
    this.#rawLog = surroundings.log;
    this.#surroundings = { ...surroundings, clock, log };
    this.#settings = settings;
    this.#stages = new ClientStages(settings.proxy, counts.transport);
    this.#stages.replaceTls(config.listen.tls.loaded);
    this.#certificates = new CertificateWatch(clock, (option, days) =>
      log.warn({ option, days }, 'a certificate expires soon, or has expired; replace it'),
    );
    const wiring: Wiring = {
      turns: new Turns(surroundings.clock),
      stalls: new StallWatch(clock, () => settings.client.current.writeStallTimeoutMs),
      lingering: new Lingering(clock, LINGER_MS),
      onBug,
    };
    const budget = new BufferBudget(clock, settings.client);
    const places = new Places(settings.limits);
    const admission = new Admission(settings.limits, places, onBug);
    this.#budget = budget;
    this.#upstream = new Upstream({
      mode: config.mode,
      pool: config.pool,
      username: config.server.username,
      redisUrl: config.redis.url,
      settings,
      surroundings: this.#surroundings,
      counts,
      wiring,
      budget,
      places,
    });
    const lending = lendingOf(config, surroundings.parent ?? null);
    this.#sharedLimit =
      lending === null
        ? null
        : new SharedLimit({
            lending,
            clock,
            log,
            settings,
            admission,
            places,
            upstream: this.#upstream,
            counts: counts.sharing,
            onBug,
          });
    const watch = jobWatchOf(config, counts, onBug);
    this.#clients = new Clients({
      clock,
      counts: counts.client,
      settings: settings.client,
      limits: settings.limits,
      admission,
      lanes: this.#upstream.lanes,
      health: this.#upstream.health,
      hasher,
      budget,
      wiring,
      approach: (address, isWanted) => this.#stages.approach(address, isWanted),
      events: new ClientLog({
        log,
        clock: surroundings.clock,
        counts,
        connections: settings.connectionLog,
        random,
        onBug,
      }),
      watch,
    });
    this.#drain = new Drain({
      clock,
      log,
      manager,
      settings: settings.bouncer,
      clients: this.#clients,
      upstream: this.#upstream,
      onBug,
      closeTheDoor: [
        () => this.#listening?.close(),
        () => this.#janitor?.cancel(),
        // What waits must be answered, and jobs given back.
        () => this.resume(),
      ],
      closeTheRest: () => this.#close(),
    });
    this.#gauges = new Gauges({
      mode: config.mode,
      clock,
      counts,
      settings,
      clients: this.#clients,
      admission,
      places,
      budget,
      upstream: this.#upstream,
      certificates: this.#certificates,
      sharedLimit: this.#sharedLimit,
      isDraining: () => this.#drain.hasBegun,
    });
    this.#reloads = new Reloads({
      source: surroundings.configSource,
      clock,
      log,
      counts: counts.reloads,
      manager,
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
      readiness: () => this.#gauges.readiness(),
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
    this.#sharedLimit?.start();
    this.#upstream.start();
    this.#reloads.start();
    this.#statsd?.start();
    this.#scheduleJanitor();
    this.#certificates.replace(watchedCertificates(this.#config));
    return { listen: this.#listening.address, admin };
  }

  /** Stops in good order, as drain.ts says; later calls join the first. */
  drain(reason: string): Promise<void> {
    return this.#drain.begin(reason);
  }

  /** Resolves when a drain has come to its end, whatever began it. */
  get ended(): Promise<void> {
    return this.#drain.ended;
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
    this.#stages.replaceTls(config.listen.tls.loaded);
    this.#certificates.replace(watchedCertificates(config));
    this.#settings.apply(config);
    this.#rawLog.level = this.#settings.bouncer.current.logLevel;
    this.#budget.settingsChanged();
    this.#upstream.settingsChanged();
    this.#sharedLimit?.settingsChanged();
  }

  /** What is there now, read from the live structures. */
  snapshot(): Snapshot {
    return this.#gauges.snapshot();
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
      options: () => optionFacts(this.#reloads.config),
      disconnect: (choice) => this.#clients.disconnect(choice),
      drain: (reason) => this.drain(reason),
    };
  }

  #scheduleJanitor(): void {
    const { clock } = this.#surroundings;
    this.#janitor = clock.after(JANITOR_INTERVAL_MS, () => {
      this.#scheduleJanitor();
      this.#clients.check(clock.now());
      this.#history.add(this.#gauges.sample());
    });
  }

  /** Nothing is left to serve: ends what reads, measures and answers. */
  async #close(): Promise<void> {
    this.#reloads.stop();
    this.#certificates.stop();
    await this.#sharedLimit?.stop();
    await this.#surroundings.hasher.close();
    await this.#statsd?.stop();
    await this.#admin.close();
  }
}

/** Null where the limit is this bouncer's alone. */
function lendingOf({ sharedLimits, processes }: Config, parent: LeasePort | null): Lending | null {
  if (sharedLimits.redisUrl !== '') return { kind: 'redis', config: sharedLimits };
  return parent === null ? null : { kind: 'parent', port: parent, processes };
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
