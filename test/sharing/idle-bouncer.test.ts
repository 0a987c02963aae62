// Bouncers with a shared limit, of which not all have clients: a real Redis, a real Faktory, three processes. Promise:
// each has its share while nobody waits, whatever the block; one that has lent what it had is ready all the same,
// keeps what is guaranteed, and serves the client that comes.

import t from 'tap';
import { RealFaktory, requireFaktory } from '../support/real-faktory.ts';
import { BouncerProgram, variablesFor } from '../support/bouncer-program.ts';
import { pushLine } from '../support/push-line.ts';
import { RawClient } from '../support/raw-client.ts';
import { RedisServer, temporarySocket } from '../support/redis.ts';
import { ok } from '../support/reply.ts';
import { STARTS_MS, until } from '../support/waiting.ts';
import { Crowd } from './support/crowd.ts';

const LIMIT = 30;
const GUARANTEED = 2;
/** Of those that clients may use, which a bouncer's own connection is not. */
const SHARE = 9;
const WITHIN_MS = 3 * STARTS_MS;

const skip = requireFaktory(t) === undefined;

t.test('a bouncer without clients is ready, and has what is kept for it', { skip }, async (t) => {
  const faktory = await RealFaktory.start();
  t.teardown(() => faktory.stop());
  const path = temporarySocket(t);
  await RedisServer.start(t, path);
  const bouncers: BouncerProgram[] = [];
  t.teardown(() => Promise.all(bouncers.map((bouncer) => bouncer.end('SIGKILL'))));
  for (let i = 0; i < 3; i += 1) {
    bouncers.push(
      await BouncerProgram.start({ environment: environment(faktory.port, `unix://${path}`) }),
    );
  }
  const [one, two, idle] = bouncers;
  if (one === undefined || two === undefined || idle === undefined) return;
  for (const bouncer of bouncers) await hasLeased(bouncer, SHARE);
  t.pass('each has its share, though a block is more');

  const crowd = new Crowd(3 * LIMIT, () => [one.port, two.port]);
  t.teardown(() => crowd.leave());
  await hasLeased(idle, GUARANTEED);
  const statuses = new Set<number>();
  for (let i = 0; i < 20; i += 1) statuses.add((await fetch(`${idle.adminUrl}/readyz`)).status);
  t.strictSame([...statuses], [200]);

  const client = await RawClient.connect({ port: idle.port });
  t.same(await client.command(pushLine().line), ok);
  client.reset();
});

function environment(port: number, redisUrl: string): Record<string, string> {
  return variablesFor(port, {
    LIMITS_SERVER_CONNECTIONS: String(LIMIT),
    LIMITS_PRODUCER_RESERVE: '0',
    SHARED_LIMITS_REDIS_URL: redisUrl,
    SHARED_LIMITS_REPLICAS_EXPECTED: '3',
    SHARED_LIMITS_GUARANTEED: String(GUARANTEED),
    SHARED_LIMITS_EXPIRY: '3s',
    SERVER_INFO_INTERVAL: '500ms',
  });
}

async function hasLeased(bouncer: BouncerProgram, count: number): Promise<void> {
  await until(async () => (await bouncer.metrics()).get('shared_limit_leased') === count, {
    what: `a lease of ${count} places`,
    withinMs: WITHIN_MS,
  });
}
