// A crowd of clients in a process of its own, so that one machine's limit of open files is enough for both
// ends of thousands of connections. Promise: it leaves when it is told, at the latest with its test.

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';

export type CrowdTask =
  /** Connect, send `first`, and read or not. Who is closed stays away. */
  | {
      readonly kind: 'gather';
      readonly port: number;
      readonly clients: number;
      readonly first: string;
      readonly reads: boolean;
    }
  /** Producers that do nothing, and come again whenever they are closed. */
  | { readonly kind: 'come_again'; readonly port: number; readonly clients: number }
  /** Each that is still there sends this. */
  | { readonly kind: 'send'; readonly text: string };

export type CrowdReport =
  | { readonly kind: 'gathered' }
  /** How many connections have closed so far. */
  | { readonly kind: 'closed'; readonly closed: number };

const PROGRAM = fileURLToPath(new URL('crowd-program.ts', import.meta.url));

export class Crowd {
  readonly #process: ChildProcess;
  readonly #isGathered: Promise<void>;
  /** Connections that have closed. */
  closed = 0;

  /** Resolves when each of a crowd that stays away has connected, or failed to; else at once. */
  static async gather(
    t: Pick<Test, 'teardown'>,
    task: Extract<CrowdTask, { kind: 'gather' | 'come_again' }>,
  ): Promise<Crowd> {
    // Not the test's own flags: this process needs no test runner.
    const child = fork(PROGRAM, { execArgv: [] });
    const crowd = new Crowd(child);
    t.teardown(() => crowd.leave());
    child.send(task);
    await crowd.#isGathered;
    return crowd;
  }

  private constructor(child: ChildProcess) {
    this.#process = child;
    this.#isGathered = new Promise((resolve, reject) => {
      child.on('message', (report: CrowdReport) => {
        if (report.kind === 'gathered') resolve();
        else this.closed = report.closed;
      });
      child.once('exit', () => reject(new Error('The process of a crowd ended.')));
    });
  }

  send(text: string): void {
    this.#process.send({ kind: 'send', text } satisfies CrowdTask);
  }

  /** All close with a reset; resolves when their process has ended. */
  async leave(): Promise<void> {
    const { exitCode, signalCode } = this.#process;
    if (exitCode !== null || signalCode !== null) return;
    const ended = once(this.#process, 'exit');
    if (this.#process.connected) this.#process.disconnect();
    await ended;
  }
}
