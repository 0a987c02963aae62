// Bouncers on one port, one after another, each a process as an operator runs it: a configuration file,
// SIGHUP, SIGTERM, the admin address. Promise: none of them outlives the test.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { BouncerProgram, PROGRAM_MS, type ReloadOutcome } from '../../support/bouncer-program.ts';
import { freePort } from '../../support/free-port.ts';
import { until, within } from '../../support/waiting.ts';

const TOKEN = 'the-token-of-the-drill';
const STOP_MS = 60_000;

/** The configuration file, section by section. */
export interface Configuration {
  readonly limits?: Readonly<Record<string, number>>;
  readonly [key: string]: unknown;
}

export class DrilledBouncer {
  readonly #program: BouncerProgram;
  readonly #file: string;

  static async start(
    t: Test,
    directory: string,
    configuration: Configuration,
  ): Promise<DrilledBouncer> {
    mkdirSync(directory, { recursive: true });
    const file = join(directory, 'bouncer.yaml');
    write(file, configuration);
    const program = await BouncerProgram.start({
      args: ['--config', file],
      environment: { FAKTORY_BOUNCER_ADMIN_TOKEN: TOKEN },
    });
    t.teardown(() => program.end('SIGKILL'));
    const bouncer = new DrilledBouncer(program, file);
    await until(() => bouncer.#isReady(), { what: 'a bouncer to be ready', withinMs: PROGRAM_MS });
    return bouncer;
  }

  private constructor(program: BouncerProgram, file: string) {
    this.#program = program;
    this.#file = file;
  }

  get port(): number {
    return this.#program.port;
  }

  /** SIGHUP. */
  reloadBySignal(configuration: Configuration): Promise<ReloadOutcome> {
    write(this.#file, configuration);
    return this.#program.reload();
  }

  /** POST /api/reload. */
  async reloadByApi(configuration: Configuration): Promise<ReloadOutcome> {
    write(this.#file, configuration);
    const { applied } = (await this.act('reload')) as { readonly applied: boolean };
    return applied ? 'applied' : 'refused';
  }

  async act(name: 'reload' | 'pause' | 'resume'): Promise<unknown> {
    const response = await fetch(`${this.#program.adminUrl}/api/${name}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
    });
    return response.json();
  }

  /** The sum of the family's series, by its name without the prefix. */
  async metric(name: string): Promise<number> {
    let sum = 0;
    for (const [sample, value] of await this.#program.metrics()) {
      if (sample === name || sample.startsWith(`${name}{`)) sum += value;
    }
    return sum;
  }

  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null> {
    const end = this.#program.end('SIGTERM');
    return within(
      end,
      STOP_MS,
      () => `a bouncer to end; it said\n${this.#program.log.slice(-2000)}`,
    );
  }

  async #isReady(): Promise<boolean> {
    const response = await fetch(`${this.#program.adminUrl}/readyz`);
    await response.text();
    return response.ok;
  }
}

function write(file: string, configuration: Configuration): void {
  // JSON is YAML.
  writeFileSync(file, JSON.stringify(configuration));
}

export class Street {
  readonly #t: Test;
  readonly #base: Configuration;
  readonly #directory: string;
  #current: DrilledBouncer | undefined;
  #port = 0;
  #opened = 0;

  /** `base`: what every bouncer is started with, beside the port that they have in common. */
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
      listen: { address: `127.0.0.1:${this.#port}`, reuse_port: true },
      admin: { address: '127.0.0.1:0' },
      limits: { ...this.#base.limits, ...limits },
    };
  }

  /** One more listens on the port, and is the one from now on. */
  async open(): Promise<DrilledBouncer> {
    if (this.#opened === 0) this.#port = await freePort();
    this.#opened += 1;
    const directory = join(this.#directory, `bouncer-${this.#opened}`);
    const bouncer = await DrilledBouncer.start(this.#t, directory, this.configuration());
    this.#current = bouncer;
    return bouncer;
  }
}
