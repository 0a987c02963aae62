// A client program that runs. Promise: what it prints is read line by line, and it is gone when the
// test is over.

import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { signalGroup } from '../../../bench/harness/signals.ts';
import type { Command } from './programs.ts';

const STDERR_CHARACTERS_MAX = 4000;

export interface ClientProcessOptions {
  readonly command: Command;
  /** Where it finds Faktory. */
  readonly url: string;
  readonly onLine: (line: string) => void;
}

export class ClientProcess {
  /** Resolves when it has ended and all that it printed was read. */
  readonly ended: Promise<void>;
  readonly #child: ChildProcess;
  #stderr = '';
  #hasEnded = false;

  constructor({ command, url, onLine }: ClientProcessOptions) {
    this.#child = spawn(command.file, command.args, {
      env: { ...process.env, ...command.env, FAKTORY_URL: url },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own: a Python client has child processes.
      detached: true,
    });
    const { stdout, stderr } = this.#child;
    if (stdout === null || stderr === null) throw new Error('Cannot read what the client prints');
    createInterface({ input: stdout }).on('line', onLine);
    stderr.on('data', (bytes: Buffer) => {
      this.#stderr = (this.#stderr + bytes.toString('utf8')).slice(-STDERR_CHARACTERS_MAX);
    });
    this.ended = new Promise((resolve) => {
      const end = (): void => {
        this.#hasEnded = true;
        resolve();
      };
      this.#child.on('close', end);
      this.#child.on('error', (error) => {
        this.#stderr += String(error);
        end();
      });
    });
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** The end of what it wrote to standard error. */
  get stderr(): string {
    return this.#stderr;
  }

  terminate(): void {
    this.#child.kill('SIGTERM');
  }

  /** It and its children, at once. Nothing once it has ended: the system may give its id to another group. */
  discard(): void {
    if (!this.#hasEnded && this.#child.pid !== undefined) signalGroup(this.#child.pid, 'SIGKILL');
  }
}
