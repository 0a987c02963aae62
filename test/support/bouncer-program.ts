// The bouncer's program as a process of its own, which a test can signal, stop and kill. Promise: it has
// started when it listens; what it says is kept, up to a bound; it ends with this process at the latest.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { watchGroup } from '../../bench/harness/processes.ts';
import { signalGroup } from '../../bench/harness/signals.ts';
import { metricSamples } from './metric-samples.ts';
import { until } from './waiting.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
/** A busy machine starts a process slowly. */
export const PROGRAM_MS = 60_000;
const LOG_CHARACTERS_MAX = 100_000;
const RELOAD_OUTCOMES = ['applied', 'refused', 'unchanged'] as const;

export type ReloadOutcome = (typeof RELOAD_OUTCOMES)[number];

export interface BouncerProgramOptions {
  /** Of the program, such as `--config FILE`. */
  readonly args?: readonly string[];
  /** For Node itself, such as `--max-old-space-size=64`. */
  readonly nodeFlags?: readonly string[];
  /** Its environment, beside PATH. */
  readonly environment?: Readonly<Record<string, string>>;
}

/**
 * The longest that there are. The program goes by the machine's own clock: a pause of the machine must not cost a
 * test its client.
 */
export const LONG_WAITS = { handshake_timeout: '1m', 'waiting_line.timeout': '1m' } as const;

/**
 * The environment of a bouncer in front of the Faktory on `faktoryPort`, on ports that the system picks. `options`:
 * by the names of their variables, without what all begin with.
 */
export function variablesFor(
  faktoryPort: number,
  options: Readonly<Record<string, string>>,
): Record<string, string> {
  const all = {
    LISTEN_ADDRESS: '127.0.0.1:0',
    ADMIN_ADDRESS: '127.0.0.1:0',
    SERVER_URL: `tcp://127.0.0.1:${faktoryPort}`,
    DRAIN_TIMEOUT: '1s',
    HANDSHAKE_TIMEOUT: LONG_WAITS.handshake_timeout,
    WAITING_LINE_TIMEOUT: LONG_WAITS['waiting_line.timeout'],
    ...options,
  };
  return Object.fromEntries(
    Object.entries(all).map(([name, value]) => [`FAKTORY_BOUNCER_${name}`, value]),
  );
}

export class BouncerProgram {
  readonly #child: ChildProcess;
  readonly #endWatch: () => unknown;
  #log = '';
  #listen = '';
  #admin = '';

  /** Resolves when it listens; rejects, with what it said, if it ends instead. */
  static async start(options: BouncerProgramOptions): Promise<BouncerProgram> {
    const program = new BouncerProgram(options);
    try {
      program.#listen = await program.#said(/"listen":"([^"]+)"/);
      program.#admin = await program.#said(/"admin":"([^"]+)"/);
      return program;
    } catch (error) {
      await program.end('SIGKILL');
      throw error;
    }
  }

  private constructor({ args = [], nodeFlags = [], environment = {} }: BouncerProgramOptions) {
    const child = spawn(process.execPath, [...nodeFlags, '--disable-sigusr1', MAIN, ...args], {
      env: { PATH: process.env['PATH'], ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own, which ends with this process.
      detached: true,
    });
    this.#child = child;
    this.#endWatch = child.pid === undefined ? () => undefined : watchGroup(child.pid);
    const keep = (bytes: Buffer): void => {
      this.#log = (this.#log + bytes.toString()).slice(-LOG_CHARACTERS_MAX);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
  }

  /** Where it listens, as it says it. */
  get listen(): string {
    return this.#listen;
  }

  get port(): number {
    return Number(this.#listen.slice(this.#listen.lastIndexOf(':') + 1));
  }

  /** Where its admin address is, as it says it. */
  get admin(): string {
    return this.#admin;
  }

  get adminUrl(): string {
    return `http://${this.#admin}`;
  }

  get pid(): number {
    const { pid } = this.#child;
    if (pid === undefined) throw new Error('The bouncer was never started');
    return pid;
  }

  /** What it has said, up to a bound. */
  get log(): string {
    return this.#log;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Ends it and its processes, if it has not ended: they are of the group that it leads. */
  endGroup(): void {
    const { exitCode, signalCode } = this.#child;
    if (exitCode === null && signalCode === null) signalGroup(this.pid, 'SIGKILL');
  }

  /** Sends `signal`; resolves with the exit code, null after SIGKILL, when it is gone. Idempotent. */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null> {
    const child = this.#child;
    if (child.exitCode === null && child.signalCode === null) {
      const gone = once(child, 'exit');
      child.kill(signal);
      await gone;
    }
    this.#endWatch();
    return child.exitCode;
  }

  /** SIGHUP; resolves when the reload has come to its end. */
  async reload(): Promise<ReloadOutcome> {
    const counts = async (): Promise<readonly number[]> => {
      const samples = await this.metrics();
      return RELOAD_OUTCOMES.map((name) => samples.get(`reloads_total{outcome="${name}"}`) ?? 0);
    };
    const before = await counts();
    this.signal('SIGHUP');
    return until(
      async () => {
        const now = await counts();
        return RELOAD_OUTCOMES.find((_outcome, index) => now[index] !== before[index]);
      },
      { what: 'the reload', withinMs: PROGRAM_MS },
    );
  }

  /** Every sample by its name without the prefix, and its labels as written. */
  metrics(): Promise<Map<string, number>> {
    return metricSamples(this.adminUrl);
  }

  #said(pattern: RegExp): Promise<string> {
    return until(
      () => {
        if (this.#child.exitCode !== null) throw new Error(`The bouncer has ended: ${this.#log}`);
        return pattern.exec(this.#log)?.[1];
      },
      { what: `the bouncer to log ${pattern.source}`, withinMs: PROGRAM_MS },
    );
  }
}
