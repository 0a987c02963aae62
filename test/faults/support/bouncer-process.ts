// A bouncer as a process of its own, which a test can kill, stop and starve. Promise: started again it has
// the same ports; it ends with its test.

import {
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import { statusOf } from '../../../bench/harness/processes.ts';
import { isOptionKey, variableOf } from '../../../src/config/options.ts';
import type { Overrides } from '../../support/bouncer.ts';
import {
  BouncerProgram,
  type BouncerProgramOptions,
  LONG_WAITS,
  PROGRAM_MS,
  type ReloadOutcome,
} from '../../support/bouncer-program.ts';
import { freePort } from '../../support/free-port.ts';
import { until } from '../../support/waiting.ts';

export interface BouncerProcessOptions extends Pick<
  BouncerProgramOptions,
  'nodeFlags' | 'environment'
> {
  /** Faktory's port. */
  readonly faktoryPort: number;
  readonly overrides: Overrides;
}

export class BouncerProcess {
  readonly #options: BouncerProcessOptions;
  /** What a reload reads beside the environment. */
  readonly #file: string;
  /** Null before the first start. */
  #program: BouncerProgram | null = null;

  /** Resolves when it has found Faktory up. */
  static async start(
    t: Pick<Test, 'teardown'>,
    options: BouncerProcessOptions,
  ): Promise<BouncerProcess> {
    const folder = mkdtempSync(join(tmpdir(), 'bouncer-'));
    t.teardown(() => rmSync(folder, { recursive: true, force: true }));
    const bouncer = new BouncerProcess(options, join(folder, 'config.yaml'));
    t.teardown(() => bouncer.kill());
    await bouncer.start();
    return bouncer;
  }

  private constructor(options: BouncerProcessOptions, file: string) {
    this.#options = options;
    this.#file = file;
    writeFileSync(file, '{}\n');
  }

  get port(): number {
    return this.#running.port;
  }

  get pid(): number {
    return this.#running.pid;
  }

  /** What it has logged since it was last started. */
  get log(): string {
    return this.#running.log;
  }

  /** On the ports that it had before. */
  async start(): Promise<void> {
    const { faktoryPort, overrides, nodeFlags = [], environment = {} } = this.#options;
    this.#program = await BouncerProgram.start({
      args: ['--config', this.#file],
      nodeFlags,
      environment: {
        ...environment,
        ...environmentOf({
          'listen.address': this.#program?.listen ?? `127.0.0.1:${await freePort()}`,
          'admin.address': this.#program?.admin ?? `127.0.0.1:${await freePort()}`,
          'server.url': `tcp://127.0.0.1:${faktoryPort}`,
          ...LONG_WAITS,
          ...overrides,
        }),
      },
    });
    await until(async () => (await this.metric('faktory_up')) === 1, {
      what: 'the bouncer to find Faktory up',
      withinMs: PROGRAM_MS,
    });
  }

  signal(signal: NodeJS.Signals): void {
    this.#running.signal(signal);
  }

  /** Reloads, with these and no other options in its file; resolves when that has come to its end. */
  reload(overrides: Overrides): Promise<ReloadOutcome> {
    writeFileSync(this.#file, JSON.stringify(nested(overrides)));
    return this.#running.reload();
  }

  /** SIGKILL. Resolves when it is gone; idempotent. */
  async kill(): Promise<void> {
    await this.#program?.end('SIGKILL');
  }

  /** Every sample by its name without the prefix, and its labels as written. */
  metrics(): Promise<Map<string, number>> {
    return this.#running.metrics();
  }

  async metric(name: string): Promise<number> {
    return (await this.metrics()).get(name) ?? Number.NaN;
  }

  /** Files and sockets that it has open; a TCP socket by its two ends and state, as the kernel writes them. */
  get openFiles(): readonly string[] {
    const folder = `/proc/${this.pid}/fd`;
    const sockets = new Map<string, string>();
    for (const line of readFileSync(`/proc/${this.pid}/net/tcp`, 'utf8').split('\n')) {
      const [, local = '', remote = '', state = '', , , , , , inode = ''] = line
        .trim()
        .split(/\s+/);
      sockets.set(`socket:[${inode}]`, `${local} ${remote} ${state}`);
    }
    const names: string[] = [];
    for (const fd of readdirSync(folder)) {
      try {
        const name = readlinkSync(`${folder}/${fd}`);
        names.push(sockets.get(name) ?? name);
      } catch {
        // Closed meanwhile.
      }
    }
    return names;
  }

  /** Memory that it has in RAM. */
  get rssBytes(): number {
    const text = readFileSync(`/proc/${this.pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(text)?.[1] ?? 0) * 1024;
  }

  /** CPU time so far, in seconds. */
  get cpuSeconds(): number {
    return statusOf(this.pid)?.cpuSeconds ?? 0;
  }

  get #running(): BouncerProgram {
    if (this.#program === null) throw new Error('Cannot find a bouncer: none was started');
    return this.#program;
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
