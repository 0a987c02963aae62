// The bouncer as its users run it: a process of its own with a config file. Promise: `start` answers
// when /readyz does; a bouncer that does not come up fails with its own last words.

import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stringify } from 'yaml';
import { freePort } from '../test/support/free-port.ts';
import type { Address } from './load/connection.ts';
import { parseMetrics } from './metrics-text.ts';
import type { MetricSample } from './metrics-text.ts';

const ROOT = join(import.meta.dirname, '..');
/** From its source, which Node strips of its types: what it is now. */
const SOURCE_PROGRAM = join(ROOT, 'src', 'main.ts');
/** As it is installed: stripping types takes 30 MB of memory. */
export function builtProgram(checkout = ROOT): string {
  return join(checkout, 'dist', 'main.js');
}

const READY_WITHIN_MS = 15_000;
const READY_ASK_EVERY_MS = 50;
const STOP_WITHIN_MS = 5000;
const LAST_WORDS_CHARACTERS = 2000;

/** Makes the checkout's `builtProgram`. */
export function buildBouncer(checkout = ROOT): void {
  const built = spawnSync('npm', ['run', '--silent', 'build'], { cwd: checkout, encoding: 'utf8' });
  if (built.status === 0) return;
  throw new Error(`Cannot build the bouncer in ${checkout}:\n${built.stdout}${built.stderr}`);
}

export type BouncerMode = 'session' | 'pooled';

/** Config keys that go into the file as they are, besides the addresses. */
export type ConfigKeys = Readonly<Record<string, unknown>>;

export class BouncerProcess {
  readonly address: Address;
  /** `http://host:port` of the admin server. */
  readonly adminUrl: string;
  readonly #child: ChildProcess;
  readonly #folder: string;
  #lastWords = '';

  private constructor(child: ChildProcess, folder: string, address: Address, adminUrl: string) {
    this.#child = child;
    this.#folder = folder;
    this.address = address;
    this.adminUrl = adminUrl;
    const keep = (chunk: Buffer): void => {
      this.#lastWords = (this.#lastWords + chunk.toString()).slice(-LAST_WORDS_CHARACTERS);
    };
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
  }

  /** Starts one in front of the Faktory at `server`. */
  static async start(
    server: Address,
    keys: ConfigKeys,
    program = SOURCE_PROGRAM,
  ): Promise<BouncerProcess> {
    const host = '127.0.0.1';
    const port = await freePort();
    const adminPort = await freePort();
    const folder = await mkdtemp(join(tmpdir(), 'faktory-bouncer-'));
    const file = join(folder, 'bouncer.yaml');
    const config = {
      ...keys,
      listen: { address: `${host}:${port}` },
      server: { url: `tcp://${server.host}:${server.port}` },
      admin: { address: `${host}:${adminPort}` },
    };
    await writeFile(file, stringify(config));
    const child = spawn(process.execPath, [program, '--config', file], {
      stdio: ['ignore', 'pipe', 'pipe'],
      // Ctrl-C reaches the whole group: a group of its own lets the benchmark decide the order.
      detached: true,
    });
    const adminUrl = `http://${host}:${adminPort}`;
    const bouncer = new BouncerProcess(child, folder, { host, port }, adminUrl);
    try {
      await bouncer.#ready();
    } catch (error) {
      await bouncer.stop();
      throw error;
    }
    return bouncer;
  }

  /** The process id; 0 when it could not be started. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  async metrics(): Promise<readonly MetricSample[]> {
    const response = await fetch(`${this.adminUrl}/metrics`);
    return parseMetrics(await response.text());
  }

  /** Asks it to stop, and waits for as long as it takes. */
  async drain(): Promise<void> {
    if (!this.#running()) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    await exited;
  }

  /** Asks it to stop, and insists after a while; its folder goes with it. */
  async stop(): Promise<void> {
    if (this.#running()) {
      const exited = once(this.#child, 'exit');
      this.#child.kill('SIGTERM');
      const insist = setTimeout(() => this.#child.kill('SIGKILL'), STOP_WITHIN_MS);
      await exited;
      clearTimeout(insist);
    }
    await rm(this.#folder, { recursive: true, force: true });
  }

  #running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  async #ready(): Promise<void> {
    const endAt = performance.now() + READY_WITHIN_MS;
    while (this.#running() && performance.now() < endAt) {
      const status = await fetch(`${this.adminUrl}/readyz`).then(
        (response) => response.status,
        () => 0,
      );
      if (status === 200) return;
      await sleep(READY_ASK_EVERY_MS);
    }
    const how = this.#running() ? `/readyz is not 200` : `it ended (${this.#child.exitCode})`;
    throw new Error(`Cannot start the bouncer: ${how}\n${this.#lastWords}`);
  }
}
