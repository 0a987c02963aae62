// A bouncer in the test's own process, on ports of its own. Promise: it is drained when its test
// ends; what it says about itself is read as an operator reads it, from the page of metrics.

import { readFileSync } from 'node:fs';
import type { Test } from 'tap';
import { Bouncer } from '../../src/bouncer.ts';
import type { Clock } from '../../src/base/clock.ts';
import type { Config } from '../../src/config/config.ts';
import { type Loaded, loadConfig } from '../../src/config/load.ts';
import { formatProblem } from '../../src/config/problems.ts';
import { isOptionKey, type OptionKey } from '../../src/config/options.ts';
import { allFamilies } from '../../src/observe/families/all.ts';
import { createLog, type Logger } from '../../src/observe/log.ts';
import { createMetrics, type Metrics } from '../../src/observe/prometheus.ts';
import type { Snapshot } from '../../src/observe/snapshot.ts';
import type { ReloadResult } from '../../src/admin/operated.ts';
import { type Surroundings, systemSurroundings } from '../../src/surroundings.ts';
import { samplesIn } from './metric-samples.ts';
import { RawClient, type RawClientOptions } from './raw-client.ts';
import { steadyClock } from './steady-clock.ts';
import { HANGS_MS, until } from './waiting.ts';

/** Options by their keys, as an operator would write them: `{ 'limits.clients': 3 }`. */
export type Overrides = Partial<Record<OptionKey, string | number | boolean>>;

export interface BouncerOptions {
  /** Faktory's port. */
  readonly port: number;
  readonly overrides?: Overrides;
  /** Default: one in which a busy machine cannot be late. The machine's own: `new SystemClock()`. */
  readonly clock?: Clock;
  /** Default: none. */
  readonly log?: Logger;
  /** Default: none. */
  readonly manager?: Surroundings['manager'];
  /** FAKTORY_PASSWORD: what clients and Faktory are asked with. */
  readonly password?: string;
  /** What the file of listen.previous_password_file holds. */
  readonly previousPassword?: string;
}

/** What the next reload reads beside what the bouncer was started with. */
interface Changes {
  overrides: Overrides;
}
/** What every file holds that the configuration of a test names: admin.token_file. */
export const ADMIN_TOKEN = 'a-token-of-the-tests';

/** Small enough that a drain at a test's end does not hold it up. */
const TEARDOWN_DRAIN = '3s';

export class RunningBouncer {
  readonly port: number;
  readonly adminPort: number;
  readonly config: Config;
  readonly bouncer: Bouncer;
  /** Past the admin port, where who asks often waits for a turn. */
  readonly #metrics: Metrics;
  readonly #changes: Changes;
  #drained: Promise<void> | null = null;

  constructor(
    bouncer: Bouncer,
    config: Config,
    changes: Changes,
    ports: { port: number; adminPort: number },
  ) {
    this.bouncer = bouncer;
    this.#metrics = createMetrics(allFamilies('test'), bouncer.counts, () => bouncer.snapshot());
    this.#changes = changes;
    this.config = config;
    this.port = ports.port;
    this.adminPort = ports.adminPort;
  }

  /** What is there now, past the admin port. */
  snapshot(): Snapshot {
    return this.bouncer.snapshot();
  }

  /** Every sample by its name without the prefix and its labels as written: `clients{role="worker"}`. */
  async metrics(): Promise<Map<string, number>> {
    return samplesIn(await this.#metrics.render());
  }

  /** One sample; fails for one that does not exist. */
  async metric(name: string): Promise<number> {
    const value = (await this.metrics()).get(name);
    if (value === undefined) throw new Error(`Cannot find the metric ${name}`);
    return value;
  }

  /** Resolves when the metric reaches `value`. */
  async metricIs(name: string, value: number, withinMs = HANGS_MS): Promise<void> {
    let last = Number.NaN;
    try {
      await until(async () => (last = await this.metric(name)) === value, { what: name, withinMs });
    } catch {
      throw new Error(`Waited ${withinMs} ms for ${name} to be ${value}; it is ${last}`);
    }
  }

  /** A client of the bouncer, after its handshake. */
  connect(options: Omit<RawClientOptions, 'port'> = {}): Promise<RawClient> {
    return RawClient.connect({ ...options, port: this.port });
  }

  /** Applies the configuration that `options` come to, as a reload does; throws its problems. */
  apply(options: BouncerOptions): void {
    this.bouncer.apply(configFor(options));
  }

  /** Resolves when Faktory was found up. */
  async isUp(withinMs = HANGS_MS): Promise<void> {
    await until(() => this.snapshot().faktory.up, {
      what: 'the bouncer to find Faktory up',
      withinMs,
    });
  }

  /** What the next reload finds, however it is asked for. */
  change(overrides: Overrides): void {
    this.#changes.overrides = overrides;
  }

  /** Reloads what it was started with, and `overrides` instead of those of the last reload. */
  reload(overrides: Overrides = {}): Promise<ReloadResult> {
    this.change(overrides);
    return this.bouncer.reload();
  }

  /** Stops it as SIGTERM would; the second call waits for the first. */
  drain(): Promise<void> {
    return (this.#drained ??= this.bouncer.drain('test'));
  }

  /**
   * Resolves when nothing is left but what is the bouncer's own (its probe; in pooled mode the
   * command lane): no clients, places, waits, FETCHes, jobs or bytes. Fails with what is left. A command
   * connection beyond the base stays for 5 s after its last command.
   */
  async gaugesAreZero(withinMs = HANGS_MS): Promise<void> {
    let left: string[] = [];
    try {
      await until(async () => (left = await this.#leftovers()).length === 0, {
        what: 'gauges',
        withinMs,
      });
    } catch {
      throw new Error(`Waited ${withinMs} ms for all gauges to be 0; left: ${left.join(', ')}`);
    }
  }

  async #leftovers(): Promise<string[]> {
    const samples = await this.metrics();
    const own = this.#ownPlaces();
    const left: string[] = [];
    for (const [name, value] of samples) {
      const allowed = name === 'server_places_taken{role="producer"}' ? own : 0;
      if (isGaugeOfClients(name) && value !== allowed) left.push(`${name} ${value}`);
    }
    return left;
  }

  /** The probe's place, and the command lane's, are taken for as long as the bouncer runs. */
  #ownPlaces(): number {
    const { mode, pool, limits } = this.config;
    if (mode === 'session') return 1;
    return Math.min(1 + pool.commandConnections, limits.serverConnections);
  }
}

/** Starts a bouncer in front of the Faktory on `port`; `t`'s end drains it. */
export async function startBouncer(t: Test, options: BouncerOptions): Promise<RunningBouncer> {
  const config = configFor(options);
  const { clock = steadyClock, manager } = options;
  const changes: Changes = { overrides: {} };
  const configSource = { load: async () => loadFor(options, changes.overrides), filesOf: () => [] };
  const surroundings = systemSurroundings(options.log ?? createLog('silent'), configSource);
  const bouncer = new Bouncer(config, {
    ...surroundings,
    clock,
    ...(manager !== undefined && { manager }),
  });
  const { listen, admin } = await bouncer.start();
  const running = new RunningBouncer(bouncer, config, changes, {
    port: listen.port,
    adminPort: 'port' in admin ? admin.port : 0,
  });
  t.teardown(() => running.drain());
  return running;
}

/** The configuration that `overrides` come to. */
export function configFor(options: BouncerOptions): Config {
  const loaded = loadFor(options);
  if ('problems' in loaded) throw new Error(loaded.problems.map(formatProblem).join('\n'));
  return loaded.config;
}

function loadFor(
  { port, overrides = {}, password = '', previousPassword = '' }: BouncerOptions,
  more: Overrides = {},
): Loaded {
  const all: Overrides = {
    'listen.address': '127.0.0.1:0',
    'admin.address': '127.0.0.1:0',
    'server.url': `tcp://127.0.0.1:${port}`,
    drain_timeout: TEARDOWN_DRAIN,
    'log.level': 'silent',
    ...(previousPassword !== '' && { 'listen.previous_password_file': '/previous' }),
    ...overrides,
    ...more,
  };
  const files: Readonly<Record<string, string>> = {
    '/previous': previousPassword,
    '/run/token': ADMIN_TOKEN,
  };
  const readFile = (path: string): Buffer => Buffer.from(files[path] ?? readFileSync(path));
  const flags = Object.entries(all).map(([key, value]) => {
    if (!isOptionKey(key)) throw new Error(`Cannot set ${key}: there is no such option`);
    return { flag: `test ${key}`, key, text: String(value) };
  });
  const environment = password === '' ? {} : { FAKTORY_PASSWORD: password };
  return loadConfig({ file: null, environment, flags, readFile });
}

const ZERO_AT_REST = [
  'client_connections{',
  'server_connections{lane="session"',
  'server_connections{lane="fetch"',
  'server_places_taken{',
  'waiting_line_length{',
  'waiting_line_oldest_wait_seconds',
  'workers',
  'fetches_in_flight',
  'fetches_waiting',
  'command_lane_outstanding',
  'command_lane_waiting',
  'stray_jobs',
  'buffered_bytes',
  'bugs_total',
];

function isGaugeOfClients(name: string): boolean {
  return ZERO_AT_REST.some((own) => (own.includes('{') ? name.startsWith(own) : name === own));
}
