// A proxy as a process of its own, with its configuration in a folder of its own. Promise: `start`
// resolves when it takes clients; one that does not come up fails with its own last words; it ends with
// the benchmark.

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../test/support/free-port.ts';
import { familyOf, watchGroup } from './processes.ts';
import { signalGroup } from './signals.ts';

const UP_WITHIN_MS = 60_000;
const ASK_EVERY_MS = 50;
const STOP_WITHIN_MS = 5000;
const LAST_WORDS_CHARACTERS = 2000;
const HOST = '127.0.0.1';

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Where a proxy listens and has its files. */
export interface Place {
  readonly port: number;
  readonly adminPort: number;
  readonly folder: string;
}

export interface ProxyPlan {
  readonly name: string;
  readonly program: string;
  readonly config: (place: Place) => string;
  readonly args: (configFile: string, place: Place) => readonly string[];
  /** Where it says that it is ready; without it, it is ready when it accepts connections. */
  readonly readyPath?: string;
}

export class Proxy {
  readonly address: Address;
  /** `http://host:port`, for those that have such a place. */
  readonly adminUrl: string;
  readonly #plan: ProxyPlan;
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #endWatch: () => void;
  #lastWords = '';

  static async start(plan: ProxyPlan): Promise<Proxy> {
    const folder = await mkdtemp(join(tmpdir(), `bench-${plan.name}-`));
    const place = { port: await freePort(), adminPort: await freePort(), folder };
    const file = join(folder, 'config.yaml');
    await writeFile(file, plan.config(place));
    const proxy = new Proxy(plan, place, file);
    try {
      await proxy.#up();
    } catch (error) {
      await proxy.stop();
      throw error;
    }
    return proxy;
  }

  private constructor(plan: ProxyPlan, place: Place, file: string) {
    this.#plan = plan;
    this.#folder = place.folder;
    this.address = { host: HOST, port: place.port };
    this.adminUrl = `http://${HOST}:${place.adminPort}`;
    this.#child = spawn(plan.program, plan.args(file, place), {
      stdio: ['ignore', 'pipe', 'pipe'],
      // Ctrl-C reaches the whole group: a group of its own lets the benchmark decide the order.
      detached: true,
    });
    const keep = (text: string): void => {
      this.#lastWords = (this.#lastWords + text).slice(-LAST_WORDS_CHARACTERS);
    };
    this.#child.stdout?.on('data', (chunk: Buffer) => keep(chunk.toString()));
    this.#child.stderr?.on('data', (chunk: Buffer) => keep(chunk.toString()));
    this.#child.on('error', (error) => keep(String(error)));
    const { pid } = this.#child;
    this.#endWatch = pid === undefined ? () => undefined : watchGroup(pid);
  }

  get pids(): readonly number[] {
    return this.#child.pid === undefined ? [] : familyOf(this.#child.pid);
  }

  /** Asks it to stop, and waits for as long as it takes. */
  async drain(): Promise<void> {
    if (!this.#runs()) return;
    const exited = once(this.#child, 'exit');
    this.#signal('SIGTERM');
    await exited;
  }

  /** Asks it to stop, and insists after a while; its folder goes with it. */
  async stop(): Promise<void> {
    const insist = setTimeout(() => this.#signal('SIGKILL'), STOP_WITHIN_MS);
    await this.drain();
    clearTimeout(insist);
    this.#endWatch();
    await rm(this.#folder, { recursive: true, force: true });
  }

  #runs(): boolean {
    const { pid, exitCode, signalCode } = this.#child;
    return pid !== undefined && exitCode === null && signalCode === null;
  }

  /** To the whole group: nginx has workers. */
  #signal(name: NodeJS.Signals): void {
    const { pid } = this.#child;
    if (pid !== undefined) signalGroup(pid, name);
  }

  async #up(): Promise<void> {
    const { name, readyPath } = this.#plan;
    const endAt = performance.now() + UP_WITHIN_MS;
    while (this.#runs() && performance.now() < endAt) {
      const isUp =
        readyPath === undefined
          ? await accepts(this.address)
          : await isOk(`${this.adminUrl}${readyPath}`);
      if (isUp) return;
      await sleep(ASK_EVERY_MS);
    }
    const how = this.#runs() ? 'it does not take clients' : 'it ended';
    throw new Error(`Cannot start ${name}: ${how}\n${this.#lastWords}`);
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

function isOk(url: string): Promise<boolean> {
  return fetch(url).then(
    ({ status }) => status === 200,
    () => false,
  );
}
