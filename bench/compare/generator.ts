// The load generator as the benchmark uses it: built when it is needed, one process for each
// measurement, answers in JSON lines. Promise: a process whose standard input closes ends, so none
// outlives the benchmark; one that does not answer in time is ended.

import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { findProgram } from '../../test/support/find-faktory.ts';
import type { Address } from '../load/connection.ts';
import type { Load } from './loads.ts';

const MODULE = join(import.meta.dirname, '..', 'load-go');
export const GENERATOR_PROGRAM = join(MODULE, 'bin', 'faktory-load');
const SLACK_MS = 90_000;
const WARM_UP_SECONDS = 0.5;

/** What the generator says at the end, or when idle clients are there. */
export interface GeneratorReport {
  readonly event: 'ready' | 'done';
  readonly admitted: number;
  readonly seconds: number;
  readonly jobs: number;
  readonly commands: number;
  readonly bytes: number;
  readonly p50Micros: number;
  readonly p99Micros: number;
  readonly p999Micros: number;
  /** Seconds each. */
  readonly storms?: readonly number[];
  readonly ownCpuMicros: number;
  /** What all processors of the machine did, whoever for. */
  readonly busyMicros: number;
  readonly cpuMicros: Readonly<Record<string, number>>;
  readonly refused: number;
  readonly cutOff: number;
  readonly errors: Readonly<Record<string, number>>;
}

export interface GeneratorTask {
  readonly load: Load;
  readonly address: Address;
  readonly seconds: number;
  /** Processes whose CPU time it reads when the measurement begins and ends. */
  readonly pids: readonly number[];
}

/** Builds it; Go knows whether there is anything to do. */
export function buildGenerator(): void {
  if (findProgram('go') === undefined) {
    throw new Error(
      'Cannot build the load generator: found no go on PATH; install Go 1.24 or later',
    );
  }
  const built = spawnSync('go', ['build', '-o', GENERATOR_PROGRAM, '.'], {
    cwd: MODULE,
    encoding: 'utf8',
  });
  if (built.status !== 0) throw new Error(`Cannot build the load generator:\n${built.stderr}`);
}

export class Generator {
  readonly #child: ChildProcess;
  readonly #reports: AsyncIterator<string>;
  readonly #insist: NodeJS.Timeout;

  constructor(task: GeneratorTask) {
    this.#child = spawn(GENERATOR_PROGRAM, argumentsFor(task), {
      stdio: ['pipe', 'pipe', 'inherit'],
      // Ctrl-C reaches the whole group: it ends when its input does.
      detached: true,
    });
    this.#child.stdin?.on('error', () => undefined);
    const { stdout } = this.#child;
    if (stdout === null) throw new Error('Cannot hear the load generator: it has no output');
    this.#reports = createInterface({ input: stdout })[Symbol.asyncIterator]();
    const limitMs = task.seconds * 1000 + SLACK_MS;
    this.#insist = setTimeout(() => this.#child.kill('SIGKILL'), limitMs);
  }

  /** The next line that it says. */
  async report(): Promise<GeneratorReport> {
    const { done, value } = await this.#reports.next();
    if (done === true) throw new Error('Cannot measure: the load generator ended without a word');
    return JSON.parse(value) as GeneratorReport;
  }

  /** Idle clients leave. */
  release(): void {
    this.#child.stdin?.write('\n');
  }

  async ended(): Promise<void> {
    if (this.#runs()) await once(this.#child, 'exit');
    clearTimeout(this.#insist);
  }

  async kill(): Promise<void> {
    if (this.#runs()) this.#child.kill('SIGKILL');
    await this.ended();
  }

  #runs(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }
}

function argumentsFor({ load, address, seconds, pids }: GeneratorTask): string[] {
  const common = {
    load: load.kind,
    address: `${address.host}:${address.port}`,
    clients: load.clients,
    pids: pids.join(','),
    measure: `${seconds}s`,
    'warm-up': `${WARM_UP_SECONDS}s`,
  };
  return Object.entries({ ...common, ...ownFlags(load) }).map(([name, value]) => {
    return `-${name}=${value}`;
  });
}

function ownFlags(load: Load): Readonly<Record<string, number>> {
  switch (load.kind) {
    case 'push':
      return { payload: load.payloadBytes };
    case 'cycle':
      return { consumers: load.consumers, backlog: load.backlog };
    case 'drain':
      return { backlog: load.jobs };
    case 'idle':
    case 'storm':
      return {};
  }
}
