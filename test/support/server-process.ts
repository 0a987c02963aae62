// One run of the Faktory binary: the process, the Redis that it starts, and a watchdog that ends
// both when the test process dies, even by SIGKILL: it sees its stdin close.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { statusOf } from '../../bench/harness/processes.ts';
import { signal } from '../../bench/harness/signals.ts';
import { askRedis } from './redis.ts';
import { replyText } from './reply.ts';
import { STARTS_MS, until, within } from './waiting.ts';

/** A process, told by its start from a later one that the system gives the same id. */
interface KnownProcess {
  readonly pid: number;
  readonly startedAt: number;
}

export interface ServerProcessOptions {
  readonly binary: string;
  readonly args: readonly string[];
  readonly password: string | undefined;
  /** Removed by the watchdog, should the test process die. */
  readonly directory: string;
  readonly redisSocket: string;
}

const logCharactersMax = 1_000_000;

// Redis must be gone before its directory is, or it cannot save and refuses to exit.
const watchdogScript = `
read -r _
kill -KILL "$1" 2>/dev/null
tries=0
while [ -S "$3" ] && [ $tries -lt 50 ]; do sleep 0.1; tries=$((tries + 1)); done
rm -rf "$2"
`;

export class ServerProcess {
  readonly #options: ServerProcessOptions;
  readonly #child: ChildProcess;
  readonly #watchdog: ChildProcess;
  readonly #exited: Promise<unknown>;
  #redis: KnownProcess | undefined;
  #log = '';

  static start(options: ServerProcessOptions): ServerProcess {
    return new ServerProcess(options);
  }

  private constructor(options: ServerProcessOptions) {
    this.#options = options;
    this.#child = spawn(options.binary, options.args, {
      env: environment(options.password),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#exited = once(this.#child, 'close').catch((error: unknown) => this.#write(String(error)));
    this.#child.stdout?.on('data', (bytes: Buffer) => this.#write(bytes.toString('utf8')));
    this.#child.stderr?.on('data', (bytes: Buffer) => this.#write(bytes.toString('utf8')));
    this.#watchdog = watch(this.#child.pid, options);
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get log(): string {
    return this.#log;
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** Call once the server answers: from then on `gone` knows its Redis by process id. */
  async learnRedis(): Promise<void> {
    this.#redis = known(await redisPid(this.#options.redisSocket));
  }

  async end(name: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    this.#child.kill(name);
    await this.gone();
  }

  /** Ends it without a care for its data. */
  async discard(): Promise<void> {
    this.#redis ??= await redisPid(this.#options.redisSocket).then(known, () => undefined);
    this.#child.kill('SIGKILL');
    if (this.#redis !== undefined) killIfAlive(this.#redis);
    await this.gone();
  }

  /** Resolves when the server and its Redis have ended. */
  async gone(): Promise<void> {
    await within(
      this.#exited,
      STARTS_MS,
      () => `Faktory to end; it said\n${this.#log.slice(-2000)}`,
    );
    const redis = this.#redis;
    if (redis !== undefined) {
      await until(() => !isStill(redis), {
        what: `Redis ${redis.pid} to end`,
        withinMs: STARTS_MS,
      });
      this.#redis = undefined;
    }
    await until(async () => !(await answers(this.#options.redisSocket)), {
      what: `nobody to answer on ${this.#options.redisSocket}`,
      withinMs: STARTS_MS,
    });
    this.#watchdog.kill('SIGKILL');
  }

  #write(text: string): void {
    this.#log = (this.#log + text).slice(-logCharactersMax);
  }
}

function environment(password: string | undefined): NodeJS.ProcessEnv {
  const { FAKTORY_PASSWORD: _, ...rest } = process.env;
  return password === undefined ? rest : { ...rest, FAKTORY_PASSWORD: password };
}

function watch(pid: number | undefined, options: ServerProcessOptions): ChildProcess {
  const args = [String(pid), options.directory, options.redisSocket];
  const watchdog = spawn('/bin/sh', ['-c', watchdogScript, 'watchdog', ...args], {
    stdio: ['pipe', 'ignore', 'ignore'],
    // A group of its own: what is sent to the test's group must not end it first.
    detached: true,
  });
  watchdog.on('error', () => undefined);
  watchdog.stdin?.on('error', () => undefined);
  watchdog.unref();
  return watchdog;
}

/** Redis's own word for its process id, over its unix socket. */
export async function redisPid(path: string): Promise<number> {
  const info = replyText(await askRedis(path, 'INFO', 'server'));
  const found = /process_id:(\d+)/.exec(info ?? '')?.[1];
  if (found === undefined) throw new Error(`Cannot find process_id in Redis's INFO`);
  return Number(found);
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

function killIfAlive(process: KnownProcess): void {
  if (!isStill(process)) return;
  try {
    signal(process.pid, 'SIGKILL');
  } catch {
    // It was gone already.
  }
}

/** Undefined for one that has ended. */
function known(pid: number): KnownProcess | undefined {
  const startedAt = startOf(pid);
  return startedAt === undefined ? undefined : { pid, startedAt };
}

function isStill({ pid, startedAt }: KnownProcess): boolean {
  return startOf(pid) === startedAt;
}

export function isAlive(pid: number): boolean {
  return startOf(pid) !== undefined;
}

/**
 * When the process started, as the kernel counts; undefined without one. A zombie whose new parent does not collect
 * it, as in a bare container, counts as gone.
 */
function startOf(pid: number): number | undefined {
  const status = statusOf(pid);
  return status === null || status.state === 'Z' ? undefined : status.startedAt;
}
