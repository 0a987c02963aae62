// One bouncer, built from a Config and its surroundings. Promise: the parts are wired here and in
// upstream.ts and nowhere else; a bouncer starts, tells what is there, drains, and nothing else.

import { Admission } from './admission/admission.ts';
import { Places } from './admission/places.ts';
import type { Readiness } from './admin/admin-server.ts';
import type { Address } from './base/address.ts';
import { GuardedClock } from './base/guarded-clock.ts';
import type { Hasher } from './base/hasher.ts';
import { Lingering } from './base/lingering.ts';
import type { Listening } from './base/network.ts';
import { pollUntil } from './base/poll-until.ts';
import { StallWatch } from './base/stall-watch.ts';
import { Turns } from './base/turns.ts';
import type { Wiring } from './base/wire.ts';
import { BufferBudget } from './client/buffer-budget.ts';
import { Clients } from './client/clients.ts';
import type { Config } from './config/config.ts';
import { Counts } from './observe/counts.ts';
import { EventLog } from './observe/event-log.ts';
import { createMetrics } from './observe/prometheus.ts';
import { safeLog } from './observe/safe-log.ts';
import type { Snapshot } from './observe/snapshot.ts';
import { RedisProbe } from './redis/redis-probe.ts';
import { WriteProbe } from './redis/write-probe.ts';
import { Settings } from './settings.ts';
import type { Admin, Surroundings } from './surroundings.ts';
import { ProxyStage } from './transport/proxy-stage.ts';
import { CertificateWatch, type WatchedCertificate } from './transport/certificate-watch.ts';
import { TlsContext } from './transport/tls-context.ts';
import { TlsStage } from './transport/tls-stage.ts';
import { Upstream } from './upstream.ts';
import { VERSION } from './version.ts';

/** How often clients are looked over for those that hold up the rest. */
const JANITOR_INTERVAL_MS = 1000;
/** How long a connection that has been told goodbye may take to close. */
const LINGER_MS = 2000;

export class Bouncer {
  readonly counts = new Counts();
  readonly #config: Config;
  readonly #surroundings: Surroundings;
  readonly #settings: Settings;
  readonly #hasher: Hasher;
  readonly #budget: BufferBudget;
  readonly #places: Places;
  readonly #admission: Admission;
  readonly #upstream: Upstream;
  readonly #clients: Clients;
  readonly #redisProbe: RedisProbe | null;
  readonly #writeProbe: WriteProbe | null;
  readonly #admin: Admin;
  readonly #tls: TlsContext;
  readonly #certificates: CertificateWatch;
  #listening: Listening | null = null;
  #isDraining = false;

  constructor(config: Config, surroundings: Surroundings) {
    const log = safeLog(surroundings.log);
    const { counts } = this;
    const events = new EventLog(log, surroundings.clock, counts);
    const clock = new GuardedClock(surroundings.clock, (error) => events.bug(error));
    this.#config = config;
    this.#surroundings = { ...surroundings, clock, log };
    const settings = new Settings(config);
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
    this.#budget = new BufferBudget(settings.client);
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
      places: this.#places,
    });
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
      nextStage: () => {
        const proxy = settings.proxy.current;
        const header = proxy.proxyProtocol === 'off' ? null : new ProxyStage(proxy);
        return this.#tls.isOn ? new TlsStage(this.#tls, header) : header;
      },
      events,
    });
    this.#redisProbe =
      config.redis.url === ''
        ? null
        : new RedisProbe({ url: config.redis.url, intervalMs: config.redis.intervalMs, log });
    this.#writeProbe =
      config.redis.url === ''
        ? null
        : new WriteProbe({
            url: config.redis.url,
            clock,
            listener: this.#upstream,
            onBug: (error) => events.bug(error),
          });
    this.#admin = surroundings.admin(() => ({
      metrics: createMetrics(counts, () => this.snapshot(), VERSION),
      readiness: () => this.#readiness(),
      log,
    }));
  }

  /** Opens both ports and starts towards Faktory; rejects with the system's error for a port. */
  async start(): Promise<{ readonly listen: Address; readonly admin: Address }> {
    const admin = await this.#admin.listen(this.#config.admin.address);
    try {
      const { address, backlog } = this.#config.listen;
      this.#listening = await this.#surroundings.listen(address, backlog, (socket) =>
        this.#clients.accept(socket),
      );
    } catch (error) {
      await this.#admin.close();
      throw error;
    }
    this.#upstream.start();
    this.#redisProbe?.start();
    this.#writeProbe?.start();
    this.#scheduleJanitor();
    this.#certificates.replace(certificatesOf(this.#config));
    return { listen: this.#listening.address, admin };
  }

  /** Stops: accepts nobody, lets commands in flight get their replies, closes all, within drain_timeout. */
  async drain(reason: string): Promise<void> {
    const { clock, log } = this.#surroundings;
    this.#isDraining = true;
    log.info({ reason, clients: this.#clients.size }, 'draining');
    const deadline = clock.now() + this.#config.drainTimeoutMs;
    this.#listening?.close();
    this.#upstream.lanes.drain();
    this.#clients.drain();
    await pollUntil(clock, () => this.#clients.size === 0, deadline);
    this.#clients.abandon();
    await this.#upstream.stop(deadline);
    this.#redisProbe?.stop();
    this.#writeProbe?.stop();
    this.#certificates.stop();
    await this.#hasher.close();
    await this.#admin.close();
  }

  /** From now on everything reloadable is as `config` says; nobody is dropped. */
  apply(config: Config): void {
    this.#tls.replace(config.listen.tls.loaded);
    this.#certificates.replace(certificatesOf(config));
    this.#settings.apply(config);
  }

  /** What is there now, read from the live structures. */
  snapshot(): Snapshot {
    const { limits } = this.#settings;
    const now = this.#surroundings.clock.now();
    const oldestSince = this.#admission.oldestSince();
    const { servers, fetches, commandLane, writes, strayJobs, info } = this.#upstream.gauges(now);
    const { health } = this.#upstream;
    return {
      draining: this.#isDraining,
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
      waitingLine: {
        length: {
          producer: this.#admission.waiting('producer'),
          worker: this.#admission.waiting('worker'),
        },
        oldestWaitSeconds: oldestSince === null ? 0 : (now - oldestSince) / 1000,
      },
      fetches,
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

  #readiness(): Readiness {
    if (this.#isDraining) return { ready: false, reason: 'the bouncer is draining' };
    if (this.#upstream.health.isUp) return { ready: true };
    return { ready: false, reason: 'Faktory is unreachable; see the log' };
  }

  #scheduleJanitor(): void {
    const { clock } = this.#surroundings;
    clock.after(JANITOR_INTERVAL_MS, () => {
      this.#clients.check(clock.now());
      if (!this.#isDraining) this.#scheduleJanitor();
    });
  }
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
