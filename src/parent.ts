// The process in front of those that serve clients, where there are several. Promise: it serves no client; what
// one bouncer does on a signal, a reload or an order over the admin address, all processes do; it lends
// them what is one limit, and tells of them as of one bouncer.

import { randomBytes } from 'node:crypto';
import { extname } from 'node:path';
import { AdminServer } from './admin/admin-server.ts';
import type { Operated, ReloadResult } from './admin/operated.ts';
import { PageFiles } from './admin/page-files.ts';
import type { Address, SocketPath } from './base/address.ts';
import type { Clock, Timer } from './base/clock.ts';
import { listen } from './base/lean-socket.ts';
import type { ServiceManager } from './base/service-manager.ts';
import type { Config } from './config/config.ts';
import { optionFacts } from './config/effective.ts';
import type { Environment } from './config/environment.ts';
import { partOf } from './config/parts.ts';
import { allFamilies } from './observe/families/all.ts';
import { clientsIn } from './observe/families/clients.ts';
import { History, type Sample } from './observe/history.ts';
import type { Logger } from './observe/log.ts';
import { createWholeMetrics } from './observe/prometheus.ts';
import { ReloadCounts } from './observe/reload-counts.ts';
import type { Snapshot } from './observe/snapshot.ts';
import type { Child } from './processes/child.ts';
import { Children } from './processes/children.ts';
import { Lender } from './processes/lender.ts';
import type { Orders } from './processes/messages.ts';
import { Whole } from './processes/whole.ts';
import { type ConfigSource, Reloads } from './reloads.ts';
import { VERSION } from './version.ts';

export interface ParentParts {
  readonly config: Config;
  readonly configSource: ConfigSource;
  readonly environment: Environment;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly log: Logger;
  readonly manager: ServiceManager;
  /** A listening socket for all processes; null: they open the port themselves. */
  readonly givenFd: number | null;
  /** Where the log goes, of all processes. */
  readonly lines: { write(line: string): void };
}

/** How often the processes are asked, for the history and the service manager. */
const LOOK_INTERVAL_MS = 1000;
/** After the end of its drain a process that is still there is killed. */
const LAST_MS = 5000;
/** The sources run as .ts, the published package as .js. */
const ENTRY = new URL(`./child-main${extname(import.meta.url)}`, import.meta.url);

export class Parent {
  readonly #parts: ParentParts;
  readonly #children: Children;
  readonly #whole: Whole;
  readonly #reloads: Reloads;
  readonly #history = new History();
  readonly #admin: AdminServer;
  readonly #ended = Promise.withResolvers<void>();
  /** For session tickets, where the configuration names no file with one. */
  readonly #ticketSecret = randomBytes(48);
  #config: Config;
  readonly #pausing = { isPaused: false };
  /** Reloads, pauses and resumes so far. */
  #changes = 0;
  /** What `#changes` was when each process was given its orders. */
  readonly #orderedAt = new Map<number, number>();
  #isDraining = false;
  #look: Timer | null = null;

  constructor(parts: ParentParts) {
    const { config, configSource, environment, clock, random, log, manager, givenFd, lines } =
      parts;
    this.#parts = parts;
    this.#config = config;
    const { processes, metrics, sharedLimits } = config;
    this.#children = new Children({
      entry: ENTRY,
      onLine: (line) => lines.write(line),
      environment,
      clock,
      random,
      log,
      givenFd,
      count: processes,
      isPortKnown: givenFd !== null || config.listen.address.port !== 0,
      lender: sharedLimits.redisUrl === '' ? new Lender() : null,
      ordersOf: (index, address) => this.#ordersOf(index, address),
      onServing: (child) => this.#serves(child),
      onEnd: (index) => void this.#whole.ended(index),
    });
    const reloads = new ReloadCounts();
    this.#whole = new Whole({
      clock,
      count: processes,
      serving: () => this.#children.serving,
      onSilent: (index) => this.#children.replace(index),
      restarted: () => this.#children.restarted,
      jobsMax: metrics.jobs === 'on' ? metrics.jobsMax : 0,
      reloads,
      lent: () => this.#lent(),
    });
    this.#reloads = new Reloads({
      source: configSource,
      clock,
      log,
      counts: reloads,
      manager,
      config,
      apply: (changed) => this.#apply(changed),
    });
    this.#admin = new AdminServer({
      metrics: createWholeMetrics(allFamilies(VERSION), () => this.#whole.metrics()),
      readiness: () => this.#whole.readiness(),
      operated: this.#operated(),
      page: new PageFiles(),
      clock,
      token: config.admin.token,
      socketMode: config.admin.socketMode,
      log,
    });
  }

  /** Resolves when all processes listen; rejects with the reason of the first that cannot. */
  async start(): Promise<{ readonly listen: Address; readonly admin: Address | SocketPath }> {
    await this.#checkPort();
    const address = await this.#children.start();
    this.#reloads.start();
    await this.#whole.look();
    try {
      const admin = await this.#admin.listen(this.#config.admin.address);
      this.#scheduleLook();
      return { listen: address, admin };
    } catch (error) {
      this.#children.kill();
      throw error;
    }
  }

  /** Resolves when a drain has come to its end; rejects if a process did not end in good order. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  get snapshot(): Snapshot {
    return this.#whole.snapshot;
  }

  reload(): Promise<ReloadResult> {
    return this.#reloads.reload();
  }

  /** All processes stop in good order; later calls join the first. */
  drain(reason: string): Promise<void> {
    if (!this.#isDraining) {
      this.#isDraining = true;
      this.#drain(reason).then(this.#ended.resolve, this.#ended.reject);
    }
    return this.ended;
  }

  /** At once: no process outlives this one. */
  kill(): void {
    this.#children.kill();
  }

  async #drain(reason: string): Promise<void> {
    const { clock, log, manager } = this.#parts;
    const { drainDelayMs, drainTimeoutMs } = this.#config;
    log.info({ reason, processes: this.#config.processes }, 'all processes drain');
    manager.stopping();
    this.#reloads.stop();
    this.#children.drain(reason);
    const last = clock.after(drainDelayMs + drainTimeoutMs + LAST_MS, () => this.#children.kill());
    const isInOrder = await this.#children.ended;
    last.cancel();
    this.#look?.cancel();
    await this.#admin.close();
    if (!isInOrder) throw new Error('a process did not end in good order; see the log');
  }

  #ordersOf(index: number, address: Address | null): Omit<Orders, 'givenFd'> {
    const part = this.#partOf(index);
    // The port that the first one got, where the system picks it.
    const config = address === null ? part : { ...part, listen: { ...part.listen, address } };
    this.#orderedAt.set(index, this.#changes);
    return { index, config, isPaused: this.#pausing.isPaused };
  }

  /** What was changed while it started is told now: it could not be asked before. */
  #serves(child: Child): void {
    if (this.#orderedAt.get(child.index) === this.#changes) return;
    void child.ask({ kind: 'reload', config: this.#partOf(child.index) });
    void child.ask({ kind: 'pause', isPaused: this.#pausing.isPaused });
  }

  /** A client resumes its TLS session whichever process it meets. */
  #partOf(index: number): Config {
    const part = partOf(this.#config, index);
    const { loaded } = part.listen.tls;
    if (loaded === null || loaded.ticketSecret !== null) return part;
    const tls = { ...part.listen.tls, loaded: { ...loaded, ticketSecret: this.#ticketSecret } };
    return { ...part, listen: { ...part.listen, tls } };
  }

  /**
   * The processes share the port, and so would those of another bouncer that was started by mistake: without
   * listen.reuse_port the port must be free.
   */
  async #checkPort(): Promise<void> {
    const { address, backlog, reusePort } = this.#config.listen;
    if (this.#parts.givenFd !== null || reusePort || address.port === 0) return;
    const probe = await listen({ address, backlog, reusePort: false }, (socket) =>
      socket.destroy(),
    );
    probe.close();
  }

  /** Resolves with a warning for each process that may have the old configuration. */
  async #apply(config: Config): Promise<readonly string[]> {
    const { log } = this.#parts;
    this.#config = config;
    this.#changes += 1;
    log.level = config.log.level;
    const warnings = await Promise.all(
      this.#children.serving.map(async (child) => {
        const { index } = child;
        const applied = await child.ask({ kind: 'reload', config: this.#partOf(index) });
        // One that has ended meanwhile is started again with the new one.
        if (applied !== null || !child.isListening) return [];
        log.error({ process: index }, 'a process has not answered to the new configuration');
        return [unanswered(index)];
      }),
    );
    this.#whole.forget();
    return warnings.flat();
  }

  async #pause(isPaused: boolean): Promise<void> {
    if (this.#pausing.isPaused !== isPaused) {
      this.#parts.log.warn(isPaused ? 'all processes are paused' : 'all processes are resumed');
    }
    this.#pausing.isPaused = isPaused;
    this.#changes += 1;
    await Promise.all(
      this.#children.serving.map(async (child) => {
        const done = await child.ask({ kind: 'pause', isPaused });
        // It obeys when it goes on, and so does one that is started in its place.
        if (done !== null || !child.isListening) return;
        const { log } = this.#parts;
        log.error({ process: child.index }, 'a process has not answered to a pause or its end');
      }),
    );
    this.#whole.forget();
  }

  /** Null where Redis lends. */
  #lent(): Pick<Snapshot['limits'], 'serverConnections' | 'producerReserve'> | null {
    const { limits, sharedLimits } = this.#config;
    if (sharedLimits.redisUrl !== '') return null;
    const { serverConnections, producerReserve } = limits;
    return { serverConnections, producerReserve };
  }

  #operated(): Operated {
    const whole = this.#whole;
    const pausing = this.#pausing;
    return {
      version: VERSION,
      mode: this.#config.mode,
      get counts() {
        return whole.counts;
      },
      history: this.#history,
      reloading: this,
      pausing: {
        get isPaused() {
          return pausing.isPaused;
        },
        pause: () => this.#pause(true),
        resume: () => this.#pause(false),
      },
      bring: async (what) => {
        await Promise.all([
          this.#whole.look(),
          what === 'rows' ? this.#whole.bringRows() : Promise.resolve(),
        ]);
      },
      snapshot: () => this.#whole.snapshot,
      clientFacts: () => this.#whole.clientFacts(),
      serverFacts: () => this.#whole.serverFacts(),
      options: () => optionFacts(this.#reloads.config),
      disconnect: (choice) => this.#whole.disconnect(choice),
      drain: (reason) => this.drain(reason),
    };
  }

  #scheduleLook(): void {
    const { clock } = this.#parts;
    this.#look = clock.after(LOOK_INTERVAL_MS, () => {
      void this.#whole.tick().then(() => {
        this.#history.add(sampleOf(this.#whole, clock.wallMs()));
        if (!this.#isDraining || this.#children.serving.length > 0) this.#scheduleLook();
      });
    });
  }
}

/** For the operator who reloads. */
function unanswered(index: number): string {
  return `Process ${index} has not answered to the new configuration, and may have the old one. It takes over the new one when it goes on; if it does not within half a minute it is killed, and started again with the new one`;
}

function sampleOf({ snapshot, counts }: Whole, at: number): Sample {
  const { placesTaken, fetches, waitingLine } = snapshot;
  let refused = 0;
  for (const count of Object.values(counts.client.refusals.values)) refused += count;
  return {
    at,
    clients: clientsIn(snapshot),
    serverConnections: placesTaken.producer + placesTaken.worker,
    fetchesInFlight: fetches.inFlight,
    waitingLine: waitingLine.length.producer + waitingLine.length.worker,
    refused,
  };
}
