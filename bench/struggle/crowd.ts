// The crowd of the load generator (load-go/crowd.go) as a process: clients that live through errors
// and keep a ledger. Promise: it ends with the benchmark; `kill` ends it at once.

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { GENERATOR_PROGRAM } from '../compare/generator.ts';
import type { Address } from '../load/connection.ts';

/** One flag for each key, as `faktory-load -help` names them. */
export type CrowdFlags = Readonly<Record<string, string | number | boolean>>;

export interface CrowdReport {
  readonly event: 'ready' | 'status' | 'stopped' | 'done';
  readonly unixMillis: number;
  /** Since "go". */
  readonly seconds: number;
  readonly ownCpuMicros: number;
  readonly refused: number;
  readonly cutOff: number;
  readonly errors: Readonly<Record<string, number>>;
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
}

export class Crowd {
  readonly #child: ChildProcess;
  readonly #reports: AsyncIterator<string>;

  constructor(address: Address, flags: CrowdFlags) {
    const all = {
      load: 'crowd',
      address: `${address.host}:${address.port}`,
      measure: '0s',
      ...flags,
    };
    const args = Object.entries(all).map(([name, value]) => `-${name}=${value}`);
    this.#child = spawn(GENERATOR_PROGRAM, args, {
      stdio: ['pipe', 'pipe', 'inherit'],
      // Ctrl-C reaches the whole group: it ends when its input does.
      detached: true,
    });
    this.#child.stdin?.on('error', () => undefined);
    const { stdout } = this.#child;
    if (stdout === null) throw new Error('Cannot read from the load generator: it has no output');
    this.#reports = createInterface({ input: stdout })[Symbol.asyncIterator]();
  }

  /** The clients begin. */
  go(): void {
    this.#child.stdin?.write('go\n');
  }

  /** The clients take up nothing new; `stopped` and `done` follow. */
  stop(): void {
    this.#child.stdin?.write('stop\n');
  }

  /** The next report, which must be this one. */
  async report(event: CrowdReport['event']): Promise<CrowdReport> {
    const { done, value } = await this.#reports.next();
    if (done === true) throw new Error('Cannot measure: the load generator ended too early');
    const report = JSON.parse(value) as CrowdReport;
    if (report.event !== event) {
      throw new Error(`Cannot measure: the load generator reported ${report.event}, not ${event}`);
    }
    return report;
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
  }
}
