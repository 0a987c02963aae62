// Bouncers on one port, one after another, each a process as an operator runs it: a configuration file,
// SIGHUP, SIGTERM, the admin address. Promise: none of them outlives the test.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';
import { until, within } from '../../support/waiting.ts';

const MAIN = fileURLToPath(new URL('../../../src/main.ts', import.meta.url));
const TOKEN = 'the-token-of-the-drill';
/** A busy machine starts a process slowly. */
const START_MS = 60_000;
const STOP_MS = 60_000;
const RELOAD_MS = 30_000;

/** The configuration file, section by section. */
export interface Configuration {
  readonly limits?: Readonly<Record<string, number>>;
  readonly [key: string]: unknown;
}

export type ReloadOutcome = 'applied' | 'refused';

export class DrilledBouncer {
  readonly #child: ChildProcess;
  readonly #file: string;
  #log = '';
  #listen = '';
  #admin = '';

  static async start(
    t: Test,
    directory: string,
    configuration: Configuration,
  ): Promise<DrilledBouncer> {
    mkdirSync(directory, { recursive: true });
    const bouncer = new DrilledBouncer(join(directory, 'bouncer.yaml'), configuration);
    t.teardown(() => bouncer.#child.kill('SIGKILL'));
    await bouncer.#listening();
    await until(() => bouncer.#isReady(), { what: 'a bouncer to be ready', withinMs: START_MS });
    return bouncer;
  }

  private constructor(file: string, configuration: Configuration) {
    this.#file = file;
    this.#write(configuration);
    this.#child = spawn(process.execPath, ['--disable-sigusr1', MAIN, '--config', file], {
      env: { PATH: process.env['PATH'], FAKTORY_BOUNCER_ADMIN_TOKEN: TOKEN },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child.stdout?.on('data', (bytes: Buffer) => (this.#log += bytes.toString('utf8')));
    this.#child.stderr?.on('data', (bytes: Buffer) => (this.#log += bytes.toString('utf8')));
  }

  get port(): number {
    return Number(this.#listen.slice(this.#listen.lastIndexOf(':') + 1));
  }

  /** Everything that it has logged. */
  get log(): string {
    return this.#log;
  }

  /** SIGHUP: the outcome is told by the log. */
  async reloadBySignal(configuration: Configuration): Promise<ReloadOutcome> {
    const before = this.#reloads();
    this.#write(configuration);
    this.#child.kill('SIGHUP');
    const count = before.applied + before.refused + 1;
    const after = await until(
      () => {
        const now = this.#reloads();
        return now.applied + now.refused === count && now;
      },
      { what: 'a reload', withinMs: RELOAD_MS },
    );
    return after.applied > before.applied ? 'applied' : 'refused';
  }

  /** POST /api/reload. */
  async reloadByApi(configuration: Configuration): Promise<ReloadOutcome> {
    this.#write(configuration);
    const { applied } = (await this.act('reload')) as { readonly applied: boolean };
    return applied ? 'applied' : 'refused';
  }

  async act(name: 'reload' | 'pause' | 'resume'): Promise<unknown> {
    const response = await fetch(`http://${this.#admin}/api/${name}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
    });
    return response.json();
  }

  /** The sum of the family's series, by its name without the prefix. */
  async metric(name: string): Promise<number> {
    const response = await fetch(`http://${this.#admin}/metrics`);
    const text = await response.text();
    let sum = 0;
    for (const [, value] of text.matchAll(
      new RegExp(`^faktory_bouncer_${name}(?:\\{.*\\})? (\\S+)$`, 'gm'),
    )) {
      sum += Number(value);
    }
    return sum;
  }

  /** SIGTERM; resolves with the exit code. */
  async stop(): Promise<number | null> {
    const closed = once(this.#child, 'close');
    this.#child.kill('SIGTERM');
    await within(closed, STOP_MS, () => `a bouncer to end; it said\n${this.#log.slice(-2000)}`);
    return this.#child.exitCode;
  }

  #write(configuration: Configuration): void {
    // JSON is YAML.
    writeFileSync(this.#file, JSON.stringify(configuration));
  }

  #reloads(): { readonly applied: number; readonly refused: number } {
    const count = (pattern: RegExp): number => [...this.#log.matchAll(pattern)].length;
    return {
      applied: count(/"msg":"configuration reloaded"/g),
      refused: count(/"msg":"Cannot reload: /g),
    };
  }

  async #listening(): Promise<void> {
    const line = await until(
      () => {
        if (this.#child.exitCode !== null) throw new Error(`A bouncer ended:\n${this.#log}`);
        return /^.*"msg":"listening".*$/m.exec(this.#log)?.[0];
      },
      { what: 'a bouncer to listen', withinMs: START_MS },
    );
    const { listen, admin } = JSON.parse(line) as {
      readonly listen: string;
      readonly admin: string;
    };
    this.#listen = listen;
    this.#admin = admin;
  }

  async #isReady(): Promise<boolean> {
    const response = await fetch(`http://${this.#admin}/readyz`);
    await response.text();
    return response.ok;
  }
}

export class Street {
  readonly #t: Test;
  readonly #base: Configuration;
  readonly #directory: string;
  #current: DrilledBouncer | undefined;
  #opened = 0;

  /** `base`: what every bouncer is started with; its `listen.address` is the port of the first. */
  constructor(t: Test, base: Configuration) {
    this.#t = t;
    this.#base = base;
    this.#directory = t.testdir();
  }

  get bouncer(): DrilledBouncer {
    if (this.#current === undefined) throw new Error('Cannot find a bouncer: none was started');
    return this.#current;
  }

  /** Like the configuration of the bouncers, with these limits too. */
  configuration(limits: Readonly<Record<string, number>> = {}): Configuration {
    return {
      ...this.#base,
      listen: { address: `127.0.0.1:${this.#current?.port ?? 0}`, reuse_port: true },
      admin: { address: '127.0.0.1:0' },
      limits: { ...this.#base.limits, ...limits },
    };
  }

  /** One more listens on the port, and is the one from now on. */
  async open(): Promise<DrilledBouncer> {
    this.#opened += 1;
    const directory = join(this.#directory, `bouncer-${this.#opened}`);
    const bouncer = await DrilledBouncer.start(this.#t, directory, this.configuration());
    this.#current = bouncer;
    return bouncer;
  }
}
