// The Redis of a shared limit where Sentinels name it, and where it is a cluster: its address, and real ones.

import t, { type Test } from 'tap';
import { formatRedisUrl, refuseSharedRedisUrl } from '../../src/config/urls.ts';
import { parseSharedRedisAddress } from '../../src/redis/shared-redis-address.ts';
import type { LeaseReply } from '../../src/sharing/lease.ts';
import { BouncerProgram, variablesFor } from '../support/bouncer-program.ts';
import { RealFaktory, requireFaktory } from '../support/real-faktory.ts';
import {
  PRIMARY_NAME,
  redisCliIsMissing,
  startCluster,
  startWatched,
  told,
} from '../support/redis-group.ts';
import { replyText } from '../support/reply.ts';
import { until } from '../support/waiting.ts';
import { leaseAsker } from './support/lease-asker.ts';

/** No machine is so busy. */
const WITHIN_MS = 120_000;
const PASSWORD = 's3cret';

const GOOD = [
  [
    'redis+sentinel://a:1,b/main',
    {
      kind: 'sentinel',
      shown: 'main at Sentinels a:1, b:26379',
      name: 'main',
      sentinels: [
        { host: 'a', port: 1 },
        { host: 'b', port: 26_379 },
      ],
      login: {},
    },
  ],
  [
    'rediss+sentinel://u%40:s3cret%2F@[::1]:5/ma%20in',
    {
      kind: 'sentinel',
      shown: 'ma in at Sentinels [::1]:5',
      name: 'ma in',
      sentinels: [{ host: '::1', port: 5 }],
      login: { username: 'u@', password: 's3cret/', tls: {} },
    },
  ],
  [
    'redis+cluster://:s3cret@a,b:7',
    {
      kind: 'cluster',
      shown: 'cluster a:6379, b:7',
      nodes: [
        { host: 'a', port: 6379 },
        { host: 'b', port: 7 },
      ],
      login: { password: 's3cret' },
    },
  ],
  [
    'redis://:s3cret@h:1',
    { kind: 'server', shown: 'h:1', dial: { host: 'h', port: 1, password: 's3cret' } },
  ],
  [
    '/run/redis.sock',
    { kind: 'server', shown: '/run/redis.sock', dial: { path: '/run/redis.sock' } },
  ],
] as const;

t.test('an address is read, and neither shown with its password nor written so', async (t) => {
  for (const [url, address] of GOOD) {
    t.equal(refuseSharedRedisUrl(url), null, url);
    const parsed = parseSharedRedisAddress(url);
    t.strictSame(parsed, address, url);
    t.notMatch(parsed.shown, /s3cret/);
    t.notMatch(formatRedisUrl(url), /s3cret/);
  }
  t.equal(formatRedisUrl('redis+cluster://u:s3cret@a,b:7'), 'redis+cluster://u:****@a,b:7');
});

t.test('what is no address is refused without its password', async (t) => {
  for (const url of [
    'redis+sentinel://:s3cret@a:1',
    'redis+sentinel://:s3cret@a:1/',
    'redis+sentinel://:s3cret@a:x/main',
    'redis+sentinel://:s3cret@a:1,/main',
    'redis+sentinel://:s3cret@a:1/main?db=1',
    'redis+sentinel://:s3cret%ff@a:1/main',
    'redis+sentinel:///main',
    'redis+cluster://:s3cret@a:1/0',
    'redis+other://:s3cret@a:1',
    'http://:s3cret@a:1',
  ]) {
    const refused = refuseSharedRedisUrl(url)?.refused ?? 'accepted';
    t.match(refused, /write redis:\/\/host:port, redis\+sentinel:/, url);
    t.notMatch(refused, /s3cret/);
  }
});

function askerOf(t: Test, url: string, password = '') {
  const asker = leaseAsker(t, url, 1000, password);
  const answered = (what: string): Promise<LeaseReply> =>
    until(async () => (await asker.ask()) ?? undefined, { what, withinMs: WITHIN_MS });
  return { ...asker, answered };
}

t.test(
  'Sentinels name the primary, also the one after a failover',
  { skip: redisCliIsMissing, timeout: 300_000 },
  async (t) => {
    const { primary, replica, sentinelPort } = await startWatched(t, PASSWORD);
    const { client, reasons, answered } = askerOf(
      t,
      // The first one is not there: the next is asked.
      `redis+sentinel://127.0.0.1:1,127.0.0.1:${sentinelPort}/${PRIMARY_NAME}`,
      PASSWORD,
    );
    t.match(await answered('the primary'), { kind: 'held', places: 2 });
    const stored = (await told(primary, PASSWORD, 'GET', '{k}:limit')).trim();
    t.match(stored, /"live"/);
    await until(async () => (await told(replica, PASSWORD, 'GET', '{k}:limit')).trim() === stored, {
      what: 'the replica to have it',
      withinMs: WITHIN_MS,
    });
    await primary.server.stop();
    const after = await answered('the replica that was promoted');
    t.match(after, { kind: 'held', places: 2 });
    // Another run of Redis: nothing is lent before it is known what was.
    t.match(await told(replica, PASSWORD, 'GET', '{k}:limit'), /"lost"/);
    t.match(await told(replica, PASSWORD, 'ROLE'), /^master/);
    t.ok(
      reasons.some((reason) => reason !== null),
      'it was away meanwhile',
    );
    t.notMatch([client.shown, ...reasons].join('\n'), /s3cret/);
  },
);

t.test(
  'a cluster keeps the limit on one node, and any node tells which',
  { skip: redisCliIsMissing, timeout: 300_000 },
  async (t) => {
    const nodes = await startCluster(t);
    for (const { port } of nodes) {
      const { answered, reasons } = askerOf(t, `redis+cluster://127.0.0.1:1,127.0.0.1:${port}`);
      t.match(await answered('an answer'), { kind: 'held', places: 2, house: { holders: 1 } });
      t.equal(reasons.at(-1), null);
    }
    const sizes = await Promise.all(
      nodes.map(async ({ server }) => replyText(await server.ask('DBSIZE'))),
    );
    const holding = sizes.map((size) => size === ':1');
    t.strictSame(
      sizes.toSorted((one, other) => ((one ?? '') < (other ?? '') ? -1 : 1)),
      [':0', ':0', ':1'],
    );
    // Without the node that has it there is no answer, and the reason is told.
    await nodes[holding.indexOf(true)]?.server.stop();
    const rest = nodes[(holding.indexOf(true) + 1) % nodes.length];
    const { ask, reasons } = askerOf(t, `redis+cluster://127.0.0.1:${rest?.port}`);
    t.equal(await ask(), null);
    t.ok(reasons[0]);
  },
);

t.test(
  'a bouncer leases its places again after a failover',
  {
    skip: redisCliIsMissing || requireFaktory(t) === undefined,
    timeout: 300_000,
  },
  async (t) => {
    const { primary, sentinelPort } = await startWatched(t, PASSWORD);
    const faktory = await RealFaktory.start();
    t.teardown(() => faktory.stop());
    const environment = variablesFor(faktory.port, {
      SHARED_LIMITS_REDIS_URL: `redis+sentinel://:${PASSWORD}@127.0.0.1:${sentinelPort}/${PRIMARY_NAME}`,
      SHARED_LIMITS_REPLICAS_EXPECTED: '1',
      SHARED_LIMITS_EXPIRY: '2s',
    });
    const bouncer = await BouncerProgram.start({ environment });
    t.teardown(() => bouncer.end('SIGKILL'));
    const has = async (state: string, free: number | undefined): Promise<boolean> => {
      const samples = await bouncer.metrics();
      return (
        samples.get(`shared_limit_state{state="${state}"}`) === 1 &&
        samples.get('shared_limit_outside') === free
      );
    };
    await until(() => has('leased', 0), { what: 'a lease', withinMs: WITHIN_MS });
    await primary.server.stop();
    await until(async () => (await bouncer.metrics()).get('shared_limit_outside') === undefined, {
      what: 'Redis to be out of reach',
      withinMs: WITHIN_MS,
    });
    await until(() => has('leased', 0), {
      what: 'a lease of the replica, with all places accounted for',
      withinMs: WITHIN_MS,
    });
    t.equal(await bouncer.end('SIGTERM'), 0);
    t.notMatch(bouncer.log, /s3cret/);
  },
);
