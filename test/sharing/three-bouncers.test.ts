// Three bouncers, a real Redis and a real Faktory. Promise: Faktory never counts more connections than the limit,
// whatever is killed, stopped or cut off, and the limit is used to the last place again afterwards.
// Short by default; SHARING=long takes 20 misfortunes with 6000 clients and a limit of 900.

import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { RealFaktory, requireFaktory } from '../support/real-faktory.ts';
import { BouncerProgram, variablesFor } from '../support/bouncer-program.ts';
import { RawClient } from '../support/raw-client.ts';
import { RedisServer, temporarySocket } from '../support/redis.ts';
import { until } from '../support/waiting.ts';
import { RedisWire } from './support/redis-wire.ts';
import { Crowd } from './support/crowd.ts';
import { Sampler } from './support/sampler.ts';

const PLANS = {
  short: { clients: 90, limit: 40, misfortunes: 4, expiryMs: 3000 },
  long: { clients: 6000, limit: 900, misfortunes: 20, expiryMs: 10_000 },
} as const;
const PLAN = PLANS[process.env['SHARING'] === 'long' ? 'long' : 'short'];
const BOUNCERS = 3;
/** No machine is so busy. */
const WITHIN_MS = 180_000;

const skip = requireFaktory(t) === undefined;

t.test('three bouncers hold one limit', { skip, timeout: 3_600_000 }, async (t) => {
  const faktory = await RealFaktory.start();
  t.teardown(() => faktory.stop());
  const path = temporarySocket(t);
  let redis = await RedisServer.start(t, path);
  const wires: RedisWire[] = [];
  /** Null while it does not run. */
  const bouncers: (BouncerProgram | null)[] = [];
  const start = async (i: number): Promise<void> => {
    const redisUrl = wires[i]?.url ?? '';
    bouncers[i] = await BouncerProgram.start({ environment: environment(faktory.port, redisUrl) });
  };
  for (let i = 0; i < BOUNCERS; i += 1) {
    const wire = await RedisWire.open(path);
    t.teardown(async () => {
      await bouncers[i]?.end('SIGKILL');
      wire.close();
    });
    wires.push(wire);
    bouncers.push(null);
  }
  const client = await RawClient.connect({ port: faktory.port, boundMs: WITHIN_MS });
  const sampler = new Sampler(client);
  await Promise.all(bouncers.map((_bouncer, i) => start(i)));
  const crowd = new Crowd(PLAN.clients, () =>
    bouncers.flatMap((bouncer) => (bouncer === null ? [] : [bouncer.port])),
  );
  t.teardown(() => crowd.leave());
  await isFull(t, sampler, 'at first');

  for (let i = 0; i < PLAN.misfortunes; i += 1) {
    const n = i % BOUNCERS;
    const bouncer = bouncers[n] ?? null;
    const wire = wires[n];
    if (bouncer === null || wire === undefined) throw new Error(`Cannot find bouncer ${n}`);
    switch (i % 4) {
      case 0:
        bouncers[n] = null;
        await bouncer.end('SIGKILL');
        await sleep(PLAN.expiryMs * (i % 8 === 0 ? 0.2 : 2));
        await start(n);
        break;
      case 1:
        bouncer.signal('SIGSTOP');
        await sleep(PLAN.expiryMs * 2);
        bouncer.signal('SIGCONT');
        break;
      case 2:
        wire.cut();
        await sleep(PLAN.expiryMs * 2);
        wire.join();
        break;
      case 3:
        // All that was lent is forgotten.
        await redis.stop();
        redis = await RedisServer.start(t, path);
    }
    await isFull(t, sampler, `after misfortune ${i}`);
  }
  // Each bouncer knows the others' connections from Redis, so that only the sampler's bypasses them.
  await arePast(bouncers, 1);
  await sampler.end();
  await arePast(bouncers, 0);
  t.ok(sampler.samples > 20);
  t.equal(sampler.peak, PLAN.limit, 'the most that Faktory ever counted');
});

function environment(port: number, redisUrl: string): Record<string, string> {
  return variablesFor(port, {
    LIMITS_SERVER_CONNECTIONS: String(PLAN.limit),
    LIMITS_PRODUCER_RESERVE: '0',
    SHARED_LIMITS_REDIS_URL: redisUrl,
    SHARED_LIMITS_REPLICAS_EXPECTED: String(BOUNCERS),
    SHARED_LIMITS_GUARANTEED: '2',
    SERVER_INFO_INTERVAL: '500ms',
    SHARED_LIMITS_EXPIRY: `${PLAN.expiryMs}ms`,
  });
}

/** Resolves when each bouncer tells of so many connections that bypass all of them. */
async function arePast(bouncers: readonly (BouncerProgram | null)[], count: number): Promise<void> {
  const told = async (): Promise<readonly (number | undefined)[]> =>
    Promise.all(
      bouncers.map(async (bouncer) =>
        (await bouncer?.metrics())?.get('faktory_connections_past_bouncer'),
      ),
    );
  await until(async () => (await told()).every((past) => past === count), {
    what: `${count} connections past the bouncers, as each of them tells`,
    withinMs: WITHIN_MS,
  });
}

async function isFull(t: Test, sampler: Sampler, when: string): Promise<void> {
  const began = Date.now();
  await until(() => sampler.last >= PLAN.limit, {
    what: `${PLAN.limit} connections ${when}; there are ${sampler.last}`,
    withinMs: WITHIN_MS,
  });
  t.pass(`full ${when}, within ${Date.now() - began} ms`);
}
