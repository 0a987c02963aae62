// A bouncer as a process of its own, which a test can kill, stop and starve. Promise: started again it has
// the same ports; it ends with its test.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';
import { watchGroup } from '../../../bench/harness/processes.ts';
import { isOptionKey, variableOf } from '../../../src/config/options.ts';
import type { Overrides } from '../../support/bouncer.ts';
import { until } from '../../support/waiting.ts';

const MAIN = fileURLToPath(new URL('../../../src/main.ts', import.meta.url));
const START_MS = 60_000;
const LOG_CHARACTERS_MAX = 100_000;
/** Of /proc/PID/stat; Linux has no other for programs. */
const TICKS_PER_SECOND = 100;
const PREFIX = 'faktory_bouncer_';

export interface BouncerProcessOptions {
  /** Faktory's port. */
  readonly faktoryPort: number;
  readonly overrides: Overrides;
  /** For Node itself, such as `--max-old-space-size=64`. */
  readonly nodeFlags?: readonly string[];
  /** More variables of its environment. */
  readonly environment?: Readonly<Record<string, string>>;
}

export class BouncerProcess {
  readonly #options: BouncerProcessOptions;
  /** What a reload reads beside the environment. */
  readonly #file: string;
  #child: ChildProcess | null = null;
  #endWatch: () => unknown = () => undefined;
  #log = '';
  #listen = '127.0.0.1:0';
  #admin = '127.0.0.1:0';

  /** Resolves when it has found Faktory up. */
  static async start(
    t: Pick<Test, 'teardown'>,
    options: BouncerProcessOptions,
  ): Promise<BouncerProcess> {
    const folder = mkdtempSync(join(tmpdir(), 'bouncer-'));
    t.teardown(() => rmSync(folder, { recursive: true, force: true }));
    const bouncer = new BouncerProcess(options, join(folder, 'config.yaml'));
    t.teardown(async () => {
      await bouncer.kill();
      bouncer.#endWatch();
    });
    await bouncer.start();
    return bouncer;
  }

  private constructor(options: BouncerProcessOptions, file: string) {
    this.#options = options;
    this.#file = file;
    writeFileSync(file, '{}\n');
  }

  get port(): number {
    return Number(this.#listen.split(':')[1]);
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** What it has logged since it was last started. */
  get log(): string {
    return this.#log;
  }

  /** On the ports that it had before. */
  async start(): Promise<void> {
    const { faktoryPort, overrides, nodeFlags = [], environment = {} } = this.#options;
    const args = [...nodeFlags, '--disable-sigusr1', MAIN, '--config', this.#file];
    const child = spawn(process.execPath, args, {
      env: {
        PATH: process.env['PATH'],
        ...environment,
        ...environmentOf({
          'listen.address': this.#listen,
          'admin.address': this.#admin,
          'server.url': `tcp://127.0.0.1:${faktoryPort}`,
          ...overrides,
        }),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own, which ends with this process.
      detached: true,
    });
    this.#child = child;
    this.#endWatch();
    this.#endWatch = child.pid === undefined ? () => undefined : watchGroup(child.pid);
    this.#log = '';
    const keep = (bytes: Buffer): void => {
      this.#log = (this.#log + bytes.toString()).slice(-LOG_CHARACTERS_MAX);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    this.#listen = await this.#said(/"listen":"([^"]+)"/);
    this.#admin = await this.#said(/"admin":"([^"]+)"/);
    await until(async () => (await this.metric('faktory_up')) === 1, {
      what: 'the bouncer to find Faktory up',
      withinMs: START_MS,
    });
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  /** Reloads, with these and no other options in its file; resolves when that has come to its end. */
  async reload(overrides: Overrides): Promise<'applied' | 'refused' | 'unchanged'> {
    const outcomes = ['applied', 'refused', 'unchanged'] as const;
    const counts = async (): Promise<readonly number[]> => {
      const samples = await this.metrics();
      return outcomes.map((outcome) => samples.get(`reloads_total{outcome="${outcome}"}`) ?? 0);
    };
    writeFileSync(this.#file, JSON.stringify(nested(overrides)));
    const before = await counts();
    this.signal('SIGHUP');
    return until(
      async () => {
        const now = await counts();
        return outcomes.find((_outcome, index) => now[index] !== before[index]);
      },
      { what: 'the reload', withinMs: START_MS },
    );
  }

  /** SIGKILL. Resolves when it is gone; idempotent. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  /** Every sample by its name without the prefix, and its labels as written. */
  async metrics(): Promise<Map<string, number>> {
    const response = await fetch(`http://${this.#admin}/metrics`);
    const samples = new Map<string, number>();
    for (const line of (await response.text()).split('\n')) {
      const space = line.lastIndexOf(' ');
      if (line === '' || line.startsWith('#')) continue;
      samples.set(line.slice(0, space).replace(PREFIX, ''), Number(line.slice(space + 1)));
    }
    return samples;
  }

  async metric(name: string): Promise<number> {
    return (await this.metrics()).get(name) ?? Number.NaN;
  }

  /** Files and sockets that it has open. */
  get openFiles(): number {
    return readdirSync(`/proc/${this.pid}/fd`).length;
  }

  /** Memory that it has in RAM. */
  get rssBytes(): number {
    const text = readFileSync(`/proc/${this.pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(text)?.[1] ?? 0) * 1024;
  }

  /** CPU time so far, in seconds. */
  get cpuSeconds(): number {
    const text = readFileSync(`/proc/${this.pid}/stat`, 'utf8');
    // The program's name, in brackets, may hold anything.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  }

  #said(pattern: RegExp): Promise<string> {
    return until(
      () => {
        if (this.#child?.exitCode !== null) throw new Error(`The bouncer has ended: ${this.#log}`);
        return pattern.exec(this.#log)?.[1];
      },
      { what: `the bouncer to log ${pattern.source}`, withinMs: START_MS },
    );
  }
}

/** `{ limits: { clients: 3 } }` of `{ 'limits.clients': 3 }`, as in a file. */
function nested(overrides: Overrides): Record<string, unknown> {
  const settings: Record<string, unknown> = {};
  for (const [path, value] of Object.entries(overrides)) {
    const keys = path.split('.');
    const last = keys.pop() ?? '';
    let section = settings;
    for (const key of keys) section = (section[key] ??= {}) as Record<string, unknown>;
    section[last] = value;
  }
  return settings;
}

function environmentOf(overrides: Overrides): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const [key, value] of Object.entries(overrides)) {
    if (!isOptionKey(key)) throw new Error(`Cannot set ${key}: there is no such option`);
    environment[variableOf(key)] = String(value);
  }
  return environment;
}
