// The real server on ports and directories of its own, with the Redis it starts beside it.
// Promise: when kill, terminate or stop resolve, both are gone; none outlives the test process.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findFaktory } from './find-faktory.ts';
import { freePort } from './free-port.ts';
import { RawClient } from './raw-client.ts';
import { redisPid, ServerProcess } from './server-process.ts';
import { STARTS_MS, until } from './waiting.ts';

export { findFaktory, requireFaktory } from './find-faktory.ts';

export interface RealFaktoryOptions {
  readonly password?: string;
  /** Default: what `findFaktory` finds. */
  readonly binary?: string;
  /** Further arguments, such as `['-l', 'debug']`. */
  readonly args?: readonly string[];
}

const portTriesMax = 3;
const citedCharacters = 2000;

export class RealFaktory {
  readonly host = '127.0.0.1';
  readonly port: number;
  readonly webPort: number;
  readonly #directory: string;
  readonly #binary: string;
  readonly #options: RealFaktoryOptions;
  #process: ServerProcess | undefined;
  #version = '';

  /** Resolves when it has answered a handshake. */
  static async start(options: RealFaktoryOptions = {}): Promise<RealFaktory> {
    const binary = options.binary ?? binaryOrThrow();
    for (let tries = 1; ; tries += 1) {
      const directory = await mkdtemp(join(tmpdir(), 'faktory-'));
      const ports = { port: await freePort(), webPort: await freePort() };
      const faktory = new RealFaktory({ directory, binary, ports, options });
      try {
        await faktory.startAgain();
        return faktory;
      } catch (error) {
        await faktory.stop();
        const portIsTaken = String(error).includes('address already in use');
        if (!portIsTaken || tries === portTriesMax) throw error;
      }
    }
  }

  private constructor(own: {
    readonly directory: string;
    readonly binary: string;
    readonly ports: { readonly port: number; readonly webPort: number };
    readonly options: RealFaktoryOptions;
  }) {
    this.port = own.ports.port;
    this.webPort = own.ports.webPort;
    this.#directory = own.directory;
    this.#binary = own.binary;
    this.#options = own.options;
  }

  /** As INFO says. */
  get version(): string {
    return this.#version;
  }

  /** What it wrote to its log since it was last started. */
  get log(): string {
    return this.#process?.log ?? '';
  }

  /** The process id of the running server. */
  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** Null where it answers a handshake; else what it wrote as it ended. */
  async causeOfDeath(): Promise<string | null> {
    const client = await this.#connect();
    if (client !== undefined) {
      client.end();
      return null;
    }
    await this.gone();
    const start = this.log.search(/^(?:panic|fatal error):/m);
    return this.log.slice(Math.max(start, 0)).slice(0, citedCharacters);
  }

  /** The unix socket of its Redis. */
  get redisSocket(): string {
    return join(this.#directory, 'redis.sock');
  }

  /** The process id of its Redis, by Redis's own word. */
  redisPid(): Promise<number> {
    return redisPid(this.redisSocket);
  }

  /** Resolves when the server has ended, however that came, and its Redis with it. */
  async gone(): Promise<void> {
    await this.#process?.gone();
  }

  /** SIGKILL. Its Redis gets SIGTERM from the kernel and saves what it holds. */
  async kill(): Promise<void> {
    await this.#process?.end('SIGKILL');
  }

  /** SIGTERM. */
  async terminate(): Promise<void> {
    await this.#process?.end('SIGTERM');
  }

  /** On the same ports and directories, once the last one and its Redis are gone. */
  async startAgain(): Promise<void> {
    await this.gone();
    const server = ServerProcess.start({
      binary: this.#binary,
      args: [...this.#ownPlaces(), '-e', 'development', ...(this.#options.args ?? [])],
      password: this.#options.password,
      directory: this.#directory,
      redisSocket: this.redisSocket,
    });
    this.#process = server;
    this.#version = await until(() => this.#ask(server), {
      what: `Faktory's handshake on port ${this.port}`,
      withinMs: STARTS_MS,
    });
    await server.learnRedis();
  }

  /** Ends everything and removes the directories. */
  async stop(): Promise<void> {
    await this.#process?.discard();
    await rm(this.#directory, { recursive: true, force: true });
  }

  #ownPlaces(): string[] {
    const addresses = ['-b', `${this.host}:${this.port}`, '-w', `${this.host}:${this.webPort}`];
    return [...addresses, '-d', this.#directory, '-c', join(this.#directory, 'config')];
  }

  /** The version as INFO says, undefined while nobody answers. */
  async #ask(server: ServerProcess): Promise<string | undefined> {
    if (server.hasEnded) throw new Error(`Cannot start Faktory: it ended, saying\n${server.log}`);
    const client = await this.#connect();
    if (client === undefined) return undefined;
    const info = await client.command('INFO');
    client.end();
    await client.closed;
    return info.kind === 'bulk' && info.text !== null ? versionIn(info.text) : undefined;
  }

  async #connect(): Promise<RawClient | undefined> {
    const { password } = this.#options;
    try {
      return await RawClient.connect({
        port: this.port,
        ...(password === undefined ? {} : { password }),
      });
    } catch {
      return undefined;
    }
  }
}

function binaryOrThrow(): string {
  const found = findFaktory();
  if ('missing' in found) throw new Error(found.missing);
  return found.binary;
}

function versionIn(info: string): string {
  const state = JSON.parse(info) as { server: { faktory_version: string } };
  return state.server.faktory_version;
}
