// Several real redis-servers that belong together: a primary, its replica and a Sentinel, or a cluster of three.
// Promise: they listen on loopback only, and are gone when the test is over.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import { findProgram } from './find-faktory.ts';
import { freePort } from './free-port.ts';
import { redisIsMissing, RedisServer, temporarySocket } from './redis.ts';
import { replyText } from './reply.ts';
import { STARTS_MS, until } from './waiting.ts';

/** Why tests that need redis-server and redis-cli are left out; false where they are not. */
export const redisCliIsMissing: string | false =
  redisIsMissing !== false || findProgram('redis-cli') !== undefined || process.env['CI'] === 'true'
    ? redisIsMissing
    : 'redis-cli is not installed: apt-get install redis-tools';

/** A redis-server on TCP and on a Unix socket. */
export interface Member {
  readonly port: number;
  readonly server: RedisServer;
}

async function startMember(
  t: Pick<Test, 'teardown'>,
  ...options: readonly string[]
): Promise<Member> {
  const port = await freePort();
  const path = temporarySocket(t);
  const directory = path.slice(0, path.lastIndexOf('/'));
  const base = ['--port', String(port), '--bind', '127.0.0.1', '--dir', directory];
  const server = await RedisServer.start(t, path, ...base, ...options);
  return { port, server };
}

export interface Watched {
  readonly primary: Member;
  readonly replica: Member;
  readonly sentinelPort: number;
}

/** What the Sentinel calls the primary. */
export const PRIMARY_NAME = 'the-primary';

/** A primary and a replica in step, and a Sentinel that promotes the replica five seconds after a loss. */
export async function startWatched(t: Pick<Test, 'teardown'>, password: string): Promise<Watched> {
  const login = ['--requirepass', password, '--masterauth', password];
  const primary = await startMember(t, ...login);
  const replica = await startMember(t, ...login, '--replicaof', '127.0.0.1', String(primary.port));
  await until(
    async () => /master_link_status:up/.test(await told(replica, password, 'INFO', 'replication')),
    { what: 'the replica to be in step', withinMs: STARTS_MS },
  );
  const sentinelPort = await startSentinel(t, primary.port, password);
  return { primary, replica, sentinelPort };
}

/** Redis's answer to one command behind AUTH, by its own client. */
export async function told(
  { server }: Member,
  password: string,
  ...words: readonly string[]
): Promise<string> {
  const child = spawn('redis-cli', ['-s', server.path, ...words], {
    env: { PATH: process.env['PATH'], REDISCLI_AUTH: password },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (piece: string) => (text += piece));
  await once(child, 'close');
  return text;
}

async function startSentinel(
  t: Pick<Test, 'teardown'>,
  primaryPort: number,
  password: string,
): Promise<number> {
  const port = await freePort();
  const directory = mkdtempSync(join(tmpdir(), 'sentinel-'));
  const file = join(directory, 'sentinel.conf');
  const lines = [
    `port ${port}`,
    'bind 127.0.0.1',
    `dir ${directory}`,
    `sentinel monitor ${PRIMARY_NAME} 127.0.0.1 ${primaryPort} 1`,
    `sentinel auth-pass ${PRIMARY_NAME} ${password}`,
    // Longer than a busy machine keeps the primary from its answer: nothing is promoted before the test wants it.
    `sentinel down-after-milliseconds ${PRIMARY_NAME} 5000`,
    `sentinel failover-timeout ${PRIMARY_NAME} 2000`,
  ];
  writeFileSync(file, `${lines.join('\n')}\n`);
  const child = spawn('redis-server', [file, '--sentinel'], { stdio: 'ignore' });
  t.teardown(async () => {
    await ended(child);
    rmSync(directory, { recursive: true, force: true });
  });
  await until(() => isOpen(port), { what: 'the Sentinel', withinMs: STARTS_MS });
  return port;
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: '127.0.0.1', port });
    const finish = (isThere: boolean): void => {
      socket.destroy();
      resolve(isThere);
    };
    socket.once('connect', () => finish(true));
    socket.once('error', () => finish(false));
  });
}

const SLOTS = 16_384;

/** Three nodes that have all slots between them. */
export async function startCluster(t: Pick<Test, 'teardown'>): Promise<readonly Member[]> {
  const nodes = await Promise.all([0, 1, 2].map(() => startNode(t)));
  const share = Math.ceil(SLOTS / nodes.length);
  for (const [at, { server }] of nodes.entries()) {
    const [first, last] = [at * share, Math.min(SLOTS, (at + 1) * share) - 1];
    await server.ask('CLUSTER', 'ADDSLOTSRANGE', String(first), String(last));
    await server.ask('CLUSTER', 'SET-CONFIG-EPOCH', String(at + 1));
  }
  for (const { port, busPort } of nodes.slice(1)) {
    await nodes[0]?.server.ask('CLUSTER', 'MEET', '127.0.0.1', String(port), String(busPort));
  }
  await until(
    async () => {
      const infos = await Promise.all(
        nodes.map(async ({ server }) => replyText(await server.ask('CLUSTER', 'INFO')) ?? ''),
      );
      return infos.every((info) => /cluster_state:ok[\s\S]*cluster_known_nodes:3/.test(info));
    },
    { what: 'the cluster to agree', withinMs: STARTS_MS },
  );
  return nodes;
}

async function startNode(t: Pick<Test, 'teardown'>): Promise<Member & { busPort: number }> {
  // By default it is the port and 10,000, which may be none.
  const busPort = await freePort();
  // Nor is a node that a busy machine lets stand taken for lost.
  const options = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '15000'];
  const member = await startMember(t, ...options, '--cluster-port', String(busPort));
  return { ...member, busPort };
}
