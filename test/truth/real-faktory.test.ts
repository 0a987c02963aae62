// What an acknowledgement means while the real Faktory's Redis refuses writes, stands still or is slow.

import { connect } from 'node:net';
import t, { type Test } from 'tap';
import { whileStopped } from '../../bench/harness/signals.ts';
import { SystemClock } from '../../src/base/clock.ts';
import { type Overrides, type RunningBouncer, startBouncer } from '../support/bouncer.ts';
import { RealFaktory, requireFaktory } from '../support/real-faktory.ts';
import { askRedis } from '../support/redis.ts';
import { ok } from '../support/reply.ts';
import { until } from '../support/waiting.ts';
import { Producers, queued } from './producers.ts';

const missing = requireFaktory(t) === undefined;

interface House {
  readonly faktory: RealFaktory;
  readonly bouncer: RunningBouncer;
}

async function open(t: Test, overrides: Overrides, asksRedis: boolean): Promise<House> {
  const faktory = await RealFaktory.start();
  t.teardown(() => faktory.stop());
  const redis = asksRedis ? { 'redis.url': `unix://${faktory.redisSocket}` } : {};
  const bouncer = await startBouncer(t, {
    port: faktory.port,
    overrides: {
      'writes.probe_interval': '200ms',
      // By the machine's clock, which a busy machine does not keep to.
      handshake_timeout: '1m',
      ...redis,
      ...overrides,
    },
    // What Faktory says too late is told by the time of both.
    clock: new SystemClock(),
  });
  await bouncer.isUp();
  return { faktory, bouncer };
}

async function stateIs(bouncer: RunningBouncer, state: string): Promise<void> {
  await until(() => bouncer.snapshot().writes.state === state, {
    what: `the state ${state}`,
  });
}

async function lostOf(producers: Producers, { redisSocket }: RealFaktory): Promise<string[]> {
  const stored = await queued(redisSocket);
  return producers.acknowledged.filter((jid) => !stored.has(jid));
}

for (const mode of ['session', 'pooled'] as const) {
  for (const asksRedis of [true, false]) {
    const how = asksRedis ? 'redis.url' : 'no redis.url';
    t.test(
      `Redis refuses writes: nothing is acknowledged once that is known (${mode}, ${how})`,
      { skip: missing },
      async (t) => {
        const { faktory, bouncer } = await open(t, { mode }, asksRedis);
        const producers = new Producers(bouncer, 20);
        await until(() => producers.acknowledged.length > 200, { what: 'jobs' });
        const refuse = await askRedis(faktory.redisSocket, 'CONFIG', 'SET', 'maxmemory', '1');
        t.same(refuse, ok);
        await stateIs(bouncer, 'refusing');
        // Answers that were on their way are read before the first PUSH is held.
        await until(() => bouncer.snapshot().writes.held === 20, { what: 'all to be held' });
        const known = producers.acknowledged.length;
        await askRedis(faktory.redisSocket, 'CONFIG', 'SET', 'maxmemory', '0');
        await stateIs(bouncer, 'sound');
        await until(() => producers.acknowledged.length > known + 200, { what: 'more jobs' });
        await producers.stop();
        const lost = new Set(await lostOf(producers, faktory));
        const later = producers.acknowledged.slice(known).filter((jid) => lost.has(jid));
        t.same(later, []);
        t.comment(`${lost.size} of ${producers.acknowledged.length} lost before it was known`);
      },
    );
  }

  t.test(
    `Redis stands still: what is acknowledged is stored, the rest reads why (${mode})`,
    { skip: missing },
    async (t) => {
      const { faktory, bouncer } = await open(t, { mode, 'pool.outage_wait': '1s' }, false);
      const producers = new Producers(bouncer, 100);
      await until(() => producers.acknowledged.length > 500, { what: 'jobs' });
      await whileStopped(await faktory.redisPid(), async () => {
        await stateIs(bouncer, 'suspect');
        await until(
          () => [...producers.errors.keys()].some((text) => /does not answer/.test(text)),
          {
            what: 'a PUSH to be refused',
          },
        );
        // Past the Redis timeout, when Faktory begins to say +OK of what it has lost.
        await until(() => [...producers.errors.keys()].some((text) => /Redis timeout/.test(text)), {
          what: 'a late acknowledgement',
        });
      });
      await stateIs(bouncer, 'sound');
      const before = producers.acknowledged.length;
      await until(() => producers.acknowledged.length > before + 200, { what: 'more jobs' });
      await producers.stop();
      t.same(await lostOf(producers, faktory), []);
      for (const text of producers.errors.keys()) {
        t.match(text, /^ERR Faktory (does not answer|took longer|is unreachable)/);
      }
    },
  );
}

t.test(
  'a slow Redis: the command lane grows, and nothing is lost',
  { skip: missing },
  async (t) => {
    const patient: Overrides = { mode: 'pooled', 'pool.outage_wait': '1m' };
    const { faktory, bouncer } = await open(t, patient, false);
    const end = keepBusy(faktory, 20);
    t.teardown(end);
    const producers = new Producers(bouncer, 100);
    await until(() => bouncer.snapshot().servers.command.open > 32, {
      what: 'more command connections',
    });
    await until(() => producers.acknowledged.length > 1000, { what: 'jobs' });
    await producers.stop();
    end();
    t.same(await lostOf(producers, faktory), []);
    t.same(producers.faults, []);
  },
);

/** Scripts of `ms` milliseconds, back to back, until the function that is returned is called. */
function keepBusy({ redisSocket }: RealFaktory, ms: number): () => void {
  const script = `
    local time = redis.call('TIME')
    local till = time[1] * 1000000 + time[2] + ${ms * 1000}
    repeat time = redis.call('TIME') until time[1] * 1000000 + time[2] >= till
    return 1
  `;
  const socket = connect({ path: redisSocket });
  const ask = (): void =>
    void socket.write(`*3\r\n$4\r\nEVAL\r\n$${script.length}\r\n${script}\r\n$1\r\n0\r\n`);
  socket.on('data', ask);
  socket.on('error', () => {});
  ask();
  return () => void socket.destroy();
}
