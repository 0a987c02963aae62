// Faktory's Redis as the write health hears of it.

import t from 'tap';
import { FaktoryRedis } from '../../src/redis/faktory-redis.ts';
import { FakeClock } from '../support/fake-clock.ts';

function redisOf(url: string) {
  const told: string[] = [];
  const redis = new FaktoryRedis({
    url,
    intervalMs: () => 1000,
    clock: new FakeClock(),
    log: { info: () => {}, warn: () => {} },
    listener: {
      sawRedisAccept: () => void told.push('accepted'),
      sawTrouble: (_now, { kind }) => void told.push(kind),
    },
    onBug: (error) => {
      throw error;
    },
  });
  return { redis, told };
}

t.test('without a url nothing is asked and nothing is known', async (t) => {
  const { redis, told } = redisOf('');
  redis.start();
  redis.settingsChanged();
  t.equal(redis.info, null);
  t.notOk(redis.tellsOfWrites);
  redis.stop();
  t.strictSame(told, []);
});

t.test('silence is trouble only of a Redis that has answered before', async (t) => {
  const { redis, told } = redisOf('/run/redis.sock');
  const silent = { kind: 'silent', reason: 'no answer' } as const;
  redis.onWrites(silent);
  t.strictSame(told, [], 'the bouncer alone may not reach it');
  redis.onWrites({ kind: 'accepted' });
  t.ok(redis.tellsOfWrites);
  redis.onWrites(silent);
  t.notOk(redis.tellsOfWrites);
  redis.onWrites(silent);
  t.strictSame(told, ['accepted', 'silent'], 'it is told once');
});

t.test('a probe that Redis does not allow says nothing about writes', async (t) => {
  const { redis, told } = redisOf('/run/redis.sock');
  redis.onWrites({ kind: 'refused', reason: 'OOM' });
  redis.onWrites({ kind: 'unknown', reason: 'NOPERM' });
  redis.onWrites({ kind: 'silent', reason: 'no answer' });
  t.notOk(redis.tellsOfWrites);
  t.strictSame(told, ['refused']);
});
