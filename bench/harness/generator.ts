// The load generator (load-go): built when it is needed, a process for each crowd, reports in JSON
// lines. Promise: it ends with the benchmark; `kill` ends it at once, as a crashed machine would.

import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { findProgram } from '../../test/support/find-faktory.ts';
import type { Address } from './proxy.ts';

const MODULE = join(import.meta.dirname, '..', 'load-go');
const PROGRAM = join(MODULE, 'bin', 'faktory-load');

/** One flag for each key, as `faktory-load -help` names them. */
export type CrowdFlags = Readonly<Record<string, string | number | boolean>>;

/** Milliseconds. */
export interface Percentiles {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
}

/** As load-go/report.go describes them. */
export interface CrowdReport {
  readonly event: 'ready' | 'status' | 'stopped' | 'done';
  readonly unixMillis: number;
  readonly offered: number;
  readonly sent: number;
  readonly acknowledged: number;
  readonly failed: number;
  readonly pushesCutOff: number;
  readonly silent: number;
  readonly fetched: number;
  readonly acked: number;
  readonly admittedProducers: number;
  readonly admittedConsumers: number;
  readonly refused: number;
  readonly cutOff: number;
  readonly errors: Readonly<Record<string, number>>;
  readonly seconds: number;
  readonly recorded: { readonly pushes: number; readonly acks: number; readonly bytes: number };
  readonly latencyMs: Readonly<
    Partial<Record<'push' | 'fetch' | 'ack' | 'beat' | 'job', Percentiles>>
  >;
  readonly ownCpuMicros: number;
  /** CPU time of all processes of the machine. */
  readonly busyMicros: number;
  readonly cpuMicros: Readonly<Record<string, number>>;
}

/** Builds it; Go knows whether there is anything to do. */
export function buildGenerator(): void {
  if (findProgram('go') === undefined) {
    throw new Error(
      'Cannot build the load generator: found no go on PATH; install Go 1.24 or later',
    );
  }
  const built = spawnSync('go', ['build', '-o', PROGRAM, '.'], { cwd: MODULE, encoding: 'utf8' });
  if (built.status !== 0) throw new Error(`Cannot build the load generator:\n${built.stderr}`);
}

export class Crowd {
  readonly #child: ChildProcess;
  readonly #reports: AsyncIterator<string>;

  constructor(address: Address, flags: CrowdFlags) {
    const all = { address: `${address.host}:${address.port}`, ...flags };
    const args = Object.entries(all).map(([name, value]) => `-${name}=${value}`);
    this.#child = spawn(PROGRAM, args, {
      stdio: ['pipe', 'pipe', 'inherit'],
      // Ctrl-C reaches the whole group: it ends when its input does.
      detached: true,
    });
    this.#child.stdin?.on('error', () => undefined);
    const { stdout } = this.#child;
    if (stdout === null) throw new Error('Cannot read from the load generator: it has no output');
    this.#reports = createInterface({ input: stdout })[Symbol.asyncIterator]();
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** go: clients begin. stop: they take up nothing new. leave: they go without having begun. */
  order(what: 'go' | 'stop' | 'leave' | 'status'): void {
    this.#child.stdin?.write(`${what}\n`);
  }

  /** The next report, which must be this one. */
  async report(event: CrowdReport['event']): Promise<CrowdReport> {
    const { done, value } = await this.#reports.next();
    if (done === true) throw new Error('Cannot measure: the load generator ended too early');
    const report = JSON.parse(value) as CrowdReport;
    if (report.event === event) return report;
    throw new Error(`Cannot measure: the load generator reported ${report.event}, not ${event}`);
  }

  status(): Promise<CrowdReport> {
    this.order('status');
    return this.report('status');
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
  }
}
