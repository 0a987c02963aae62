// Another proxy as a process of its own, with a config file in a folder of its own. Promise: `start`
// resolves when it accepts connections; one that does not come up fails with its own last words.

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../test/support/free-port.ts';
import type { FrontName } from '../compare/loads.ts';
import { familyOf } from '../compare/processes.ts';
import type { Address } from '../load/connection.ts';
import type { Front } from './front.ts';

const UP_WITHIN_MS = 5000;
const ASK_EVERY_MS = 50;
const STOP_WITHIN_MS = 3000;
const LAST_WORDS_CHARACTERS = 2000;

export interface PeerPlan {
  readonly name: FrontName;
  readonly program: string;
  /** The config, given the port to listen on and the folder for its files. */
  readonly config: (port: number, folder: string) => string;
  /** The arguments, given the config's path and the folder. */
  readonly args: (file: string, folder: string) => readonly string[];
}

export class PeerProcess implements Front {
  readonly name: FrontName;
  readonly address: Address;
  readonly #child: ChildProcess;
  readonly #folder: string;
  #lastWords = '';

  static async start(plan: PeerPlan): Promise<PeerProcess> {
    const port = await freePort();
    const folder = await mkdtemp(join(tmpdir(), `bench-${plan.name}-`));
    const file = join(folder, 'config');
    await writeFile(file, plan.config(port, folder));
    const child = spawn(plan.program, plan.args(file, folder), {
      stdio: ['ignore', 'pipe', 'pipe'],
      // Ctrl-C reaches the whole group: the benchmark decides the order.
      detached: true,
    });
    const peer = new PeerProcess(plan.name, child, folder, { host: '127.0.0.1', port });
    try {
      await peer.#up();
    } catch (error) {
      await peer.stop();
      throw error;
    }
    return peer;
  }

  private constructor(name: FrontName, child: ChildProcess, folder: string, address: Address) {
    this.name = name;
    this.#child = child;
    this.#folder = folder;
    this.address = address;
    const keep = (chunk: Buffer): void => {
      this.#lastWords = (this.#lastWords + chunk.toString()).slice(-LAST_WORDS_CHARACTERS);
    };
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    child.on('error', (error) => (this.#lastWords += String(error)));
  }

  get pids(): readonly number[] {
    return this.#child.pid === undefined ? [] : familyOf(this.#child.pid);
  }

  async stop(): Promise<void> {
    if (this.#runs()) {
      const exited = once(this.#child, 'exit');
      // Both take this as: now, without waiting for clients. It reaches the workers too.
      this.#signal('SIGTERM');
      const insist = setTimeout(() => this.#signal('SIGKILL'), STOP_WITHIN_MS);
      await exited;
      clearTimeout(insist);
    }
    await rm(this.#folder, { recursive: true, force: true });
  }

  #runs(): boolean {
    const { pid, exitCode, signalCode } = this.#child;
    return pid !== undefined && exitCode === null && signalCode === null;
  }

  /** To the whole group, which is its own. */
  #signal(signal: NodeJS.Signals): void {
    const { pid } = this.#child;
    if (pid === undefined) return;
    try {
      process.kill(-pid, signal);
    } catch {
      // It was gone already.
    }
  }

  async #up(): Promise<void> {
    const endAt = performance.now() + UP_WITHIN_MS;
    while (this.#runs() && performance.now() < endAt) {
      if (await accepts(this.address)) return;
      await sleep(ASK_EVERY_MS);
    }
    throw new Error(`Cannot start ${this.name}: it does not listen\n${this.#lastWords}`);
  }
}

function accepts(address: Address): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(address);
    socket.once('error', () => resolve(false));
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
}
