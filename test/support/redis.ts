// A real redis-server of a test's own, on a unix socket in a directory of its own, and single commands
// to any Redis on a socket. Promise: what is started here is gone when the test is over.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import { statusOf } from '../../bench/harness/processes.ts';
import { findProgram } from './find-faktory.ts';
import { type Reply, ReplyReader } from './reply.ts';
import { HANGS_MS, until, within } from './waiting.ts';

/** Why tests that need a Redis are left out; false where they are not. In CI a missing Redis fails. */
export const redisIsMissing: string | false =
  findProgram('redis-server') !== undefined || process.env['CI'] === 'true'
    ? false
    : 'redis-server is not installed: apt-get install redis-server';

/** Redis's reply to one command, over a connection of its own. */
export async function askRedis(path: string, ...words: readonly string[]): Promise<Reply> {
  const socket = connect({ path });
  const reader = new ReplyReader();
  const answered = new Promise<Reply>((resolve, reject) => {
    socket.on('error', reject);
    socket.on('close', () => reject(new Error(`Cannot ask Redis for ${words[0]}: closed`)));
    socket.on('data', (bytes) => {
      reader.add(bytes);
      const reply = reader.take();
      if (reply !== undefined) resolve(reply);
    });
  });
  const bulks = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
  socket.write(`*${words.length}\r\n${bulks.join('')}`);
  return within(answered, HANGS_MS, () => `Redis's reply to ${words.join(' ')} on ${path}`).finally(
    () => socket.destroy(),
  );
}

/** A path for a unix socket, in a directory that is removed with all in it when the test is over. */
export function temporarySocket(t: Pick<Test, 'teardown'>): string {
  const directory = mkdtempSync(join(tmpdir(), 'redis-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  return join(directory, 'redis.sock');
}

export class RedisServer {
  /** Its unix socket. */
  readonly path: string;
  readonly #child: ChildProcess;

  /** Resolves when it takes connections. `options` as on its command line. */
  static async start(
    t: Pick<Test, 'teardown'>,
    path: string,
    ...options: readonly string[]
  ): Promise<RedisServer> {
    const base = ['--port', '0', '--unixsocket', path, '--save', '', '--loglevel', 'notice'];
    const child = spawn('redis-server', [...base, ...options], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const server = new RedisServer(path, child);
    t.teardown(() => server.stop());
    child.stdout?.setEncoding('utf8');
    for await (const piece of child.stdout?.iterator({ destroyOnReturn: false }) ?? []) {
      if (String(piece).toLowerCase().includes('ready to accept connections')) break;
    }
    child.stdout?.resume();
    return server;
  }

  private constructor(path: string, child: ChildProcess) {
    this.path = path;
    this.#child = child;
  }

  ask(...words: readonly string[]): Promise<Reply> {
    return askRedis(this.path, ...words);
  }

  /** SIGSTOP: it answers nothing, and its connections stay. Resolves when it stands still. */
  async freeze(): Promise<void> {
    this.#child.kill('SIGSTOP');
    await until(() => statusOf(this.#child.pid)?.state === 'T', {
      what: 'Redis to stand still',
    });
  }

  thaw(): void {
    this.#child.kill('SIGCONT');
  }

  /** SIGKILL. Resolves when it is gone; idempotent. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await gone;
  }
}
