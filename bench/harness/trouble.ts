// What makes Faktory struggle: its Redis is slow, hangs or refuses writes, or Faktory itself hangs.
// Promise: each trouble ends by itself or with `end`, also when the benchmark dies.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';

const BUSY_SCRIPT = 'for i = 1, ARGV[1] do end';
const TRIAL_TURNS = 1_000_000;
const TRIALS = 5;

/**
 * Other clients of Redis, which run scripts back to back. They are two: the script of one waits in
 * Redis while the other's runs, so that Redis is never idle in between. A command of Faktory waits for
 * one script.
 */
export class SlowRedis {
  readonly #clients: readonly Redis[];
  readonly #running: Promise<unknown>;
  #ending = false;

  /** On a Redis that is idle: its speed is measured first. */
  static async start(socket: string, scriptMs: number): Promise<SlowRedis> {
    const clients = [new Redis({ path: socket }), new Redis({ path: socket })] as const;
    let trialMs = Infinity;
    for (let trial = 0; trial < TRIALS; trial += 1) {
      const beganAt = performance.now();
      for (const client of clients) await client.eval(BUSY_SCRIPT, 0, TRIAL_TURNS);
      trialMs = Math.min(trialMs, (performance.now() - beganAt) / clients.length);
    }
    return new SlowRedis(clients, scriptMs, TRIAL_TURNS / trialMs);
  }

  private constructor(clients: readonly Redis[], scriptMs: number, turnsPerMs: number) {
    this.#clients = clients;
    const turns = Math.round(turnsPerMs * scriptMs);
    // The second script is sent while the first one runs: then they stay in turns.
    this.#running = Promise.all(
      clients.map((client, index) => this.#run(client, turns, (index * scriptMs) / 2)),
    );
    // A failure shows in `end`.
    this.#running.catch(() => undefined);
  }

  async end(): Promise<void> {
    this.#ending = true;
    await this.#running;
    for (const client of this.#clients) client.disconnect();
  }

  async #run(client: Redis, turns: number, afterMs: number): Promise<void> {
    await sleep(afterMs);
    while (!this.#ending) await client.eval(BUSY_SCRIPT, 0, turns);
  }
}

/**
 * Stops a process for a while; resolves when it goes on. A shell does it, so that the process goes on
 * even if the benchmark dies meanwhile.
 */
export async function stopProcess(pid: number, seconds: number): Promise<void> {
  const script = 'kill -STOP "$1"; sleep "$2"; kill -CONT "$1"';
  const shell = spawn('/bin/sh', ['-c', script, 'stop', String(pid), String(seconds)], {
    stdio: 'ignore',
    detached: true,
  });
  await once(shell, 'exit');
}

/**
 * Stops a process for nine tenths of the time, in pulses of 90 ms, until the function that is returned
 * is called. A shell does it; it ends when its input does, so also when the benchmark dies.
 */
export function slowedToATenth(pid: number): () => Promise<void> {
  const script = `
    trap 'kill -CONT "$1"' EXIT
    while kill -STOP "$1"; do
      sleep 0.09
      kill -CONT "$1"
      read -t 0.01 -r line
      # Above 128: nothing was read in that time. Otherwise the input is over.
      [ $? -gt 128 ] || exit 0
    done`;
  const shell = spawn('bash', ['-c', script, 'slow', String(pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  const exited = once(shell, 'exit');
  return async () => {
    shell.stdin.end();
    await exited;
  };
}

export const REFUSALS = ['maxmemory', 'min-replicas-to-write'] as const;

/** The setting of Redis by which it refuses writes. */
export type Refusal = (typeof REFUSALS)[number];

/** From the call on Redis refuses writes; the answer ends it. */
export async function refuseWrites(redis: Redis, by: Refusal): Promise<() => Promise<void>> {
  await redis.config('SET', by, '1');
  return async () => {
    await redis.config('SET', by, '0');
  };
}
