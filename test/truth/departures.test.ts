// A write that is held when its client leaves, by FIN or RST: stored if Redis accepts writes again in
// time, and dropped if not; the client connection goes with its last write.

import t, { type Test } from 'tap';
import { SystemClock } from '../../src/base/clock.ts';
import { type RunningBouncer, startBouncer } from '../support/bouncer.ts';
import { RealFaktory, requireFaktory } from '../support/real-faktory.ts';
import type { RawClient } from '../support/raw-client.ts';
import { askRedis } from '../support/redis.ts';
import { until } from '../support/waiting.ts';
import { queued } from './producers.ts';

const missing = requireFaktory(t) === undefined;

interface Scene {
  readonly faktory: RealFaktory;
  readonly bouncer: RunningBouncer;
  /** The one that has sent FIN, and may read on. */
  readonly ends: RawClient;
}

function push(jid: string): string {
  return `PUSH {"jid":"${jid}","jobtype":"test","queue":"default","args":[]}\r\n`;
}

async function redisWrites(
  faktory: RealFaktory,
  bouncer: RunningBouncer,
  writes: 'accepted' | 'refused',
): Promise<void> {
  const maxmemory = writes === 'accepted' ? '0' : '1';
  await askRedis(faktory.redisSocket, 'CONFIG', 'SET', 'maxmemory', maxmemory);
  const state = writes === 'accepted' ? 'sound' : 'refusing';
  await until(() => bouncer.snapshot().writes.state === state, { what: state });
}

/** Two clients, each with one PUSH held and one behind it, and both have left. */
async function leave(t: Test, mode: string, outageWait: string): Promise<Scene> {
  const faktory = await RealFaktory.start();
  t.teardown(() => faktory.stop());
  const overrides = {
    mode,
    'redis.url': `unix://${faktory.redisSocket}`,
    'pool.outage_wait': outageWait,
  };
  const bouncer = await startBouncer(t, {
    port: faktory.port,
    overrides,
    clock: new SystemClock(),
  });
  await bouncer.isUp();
  await redisWrites(faktory, bouncer, 'refused');
  const [ends, resets] = [await bouncer.connect(), await bouncer.connect()];
  ends.send(push('job-of-end-1') + push('job-of-end-2'));
  resets.send(push('job-of-reset-1') + push('job-of-reset-2'));
  await until(() => bouncer.snapshot().writes.held === 2, { what: 'the PUSHes to be held' });
  ends.end();
  resets.reset();
  return { faktory, bouncer, ends };
}

async function haveEnded(bouncer: RunningBouncer): Promise<void> {
  await bouncer.metricIs('client_connections_ended_total{reason="client_closed"}', 1);
  await bouncer.metricIs('client_connections_ended_total{reason="client_reset"}', 1);
}

for (const mode of ['session', 'pooled'] as const) {
  t.test(
    `writes are accepted in time: what was held is stored (${mode})`,
    { skip: missing },
    async (t) => {
      const { faktory, bouncer, ends } = await leave(t, mode, '20s');
      t.equal(bouncer.snapshot().clients.producer.open, 2, 'each until its last write is answered');
      await redisWrites(faktory, bouncer, 'accepted');
      await haveEnded(bouncer);
      const stored = [...(await queued(faktory.redisSocket))].sort();
      t.same(stored, ['job-of-end-1', 'job-of-end-2', 'job-of-reset-1', 'job-of-reset-2']);
      t.equal(await ends.readUntilClose(), '+OK\r\n+OK\r\n');
      await bouncer.gaugesAreZero();
    },
  );

  t.test(
    `writes are not accepted in time: what was held is dropped (${mode})`,
    { skip: missing },
    async (t) => {
      const { faktory, bouncer, ends } = await leave(t, mode, '1s');
      await haveEnded(bouncer);
      t.match(await ends.readUntilClose(), /^(-ERR Faktory's Redis refuses writes.*\r\n){2}$/);
      await redisWrites(faktory, bouncer, 'accepted');
      t.same([...(await queued(faktory.redisSocket))], []);
      await bouncer.gaugesAreZero();
    },
  );
}
