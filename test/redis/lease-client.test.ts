// Requests for a lease, to a real Redis: each has one outcome, whatever Redis does.

import t from 'tap';
import { redisIsMissing as skip, RedisServer, temporarySocket } from '../support/redis.ts';
import { until } from '../support/waiting.ts';
import { leaseAsker } from './support/lease-asker.ts';

t.test('Redis answers, also after its scripts were flushed', { skip }, async (t) => {
  const path = temporarySocket(t);
  const redis = await RedisServer.start(t, path);
  const { reasons, ask } = leaseAsker(t, path, 10_000);
  t.match(await ask(), { kind: 'held', places: 2, house: { holders: 1, leased: 2 } });
  await redis.ask('SCRIPT', 'FLUSH');
  t.match(await ask(), { kind: 'held', places: 2 });
  t.strictSame(reasons, [null, null]);
});

t.test('what does not come in time is lost, and does not come later', { skip }, async (t) => {
  const path = temporarySocket(t);
  const redis = await RedisServer.start(t, path);
  const { reasons, ask } = leaseAsker(t, path, 300);
  await until(async () => (await ask()) !== null, { what: 'an answer', withinMs: 20_000 });
  await redis.freeze();
  t.equal(await ask(), null);
  t.equal(reasons.at(-1), 'no answer within 300 ms');
  redis.thaw();
  await until(async () => (await ask()) !== null, { what: 'an answer', withinMs: 20_000 });
  await redis.stop();
  t.equal(await ask(), null);
});

t.test('a refused password is told without the password', { skip }, async (t) => {
  const path = temporarySocket(t);
  await RedisServer.start(t, path, '--requirepass', 'right');
  const { reasons, ask } = leaseAsker(t, path, 10_000, 's3cret');
  t.equal(await ask(), null);
  t.ok(reasons[0]);
  t.notMatch(reasons[0], /s3cret/);
  t.match(await leaseAsker(t, path, 10_000, 'right').ask(), { kind: 'held' });
});
