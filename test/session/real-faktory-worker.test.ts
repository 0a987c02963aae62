// The npm client `faktory-worker`, as its users run it, through the bouncer to the real Faktory.

import faktoryWorker from 'faktory-worker';
import t from 'tap';
import { startBouncer } from '../support/bouncer.ts';
import { RealFaktory, requireFaktory } from '../support/real-faktory.ts';
import { until } from '../support/waiting.ts';

const JOBS = 5000;
const PUSHERS = 10;
const password = 'sesame';

const missing = requireFaktory(t) === undefined;

t.test(`${JOBS} jobs, pushed and worked, each exactly once`, { skip: missing }, async (t) => {
  const faktory = await RealFaktory.start({ password });
  t.teardown(() => faktory.stop());
  t.comment(`Faktory ${faktory.version}`);
  const overrides = { 'limits.server_connections': 60, 'limits.producer_reserve': 20 };
  const bouncer = await startBouncer(t, { port: faktory.port, overrides, password });
  await bouncer.isUp();
  const place = { host: '127.0.0.1', port: bouncer.port, password };

  const client = new faktoryWorker.Client({ ...place, poolSize: PUSHERS });
  t.teardown(() => client.close());
  const timesDone = new Map<number, number>();
  const worker = new faktoryWorker.Worker({
    ...place,
    concurrency: 20,
    queues: ['default'],
    registry: {
      count: (n: unknown) => {
        timesDone.set(Number(n), (timesDone.get(Number(n)) ?? 0) + 1);
      },
    },
  });
  let next = 0;
  const pusher = async (): Promise<void> => {
    while (next < JOBS) {
      next += 1;
      await client.job('count', next).push();
    }
  };
  await worker.work();
  await Promise.all(Array.from({ length: PUSHERS }, pusher));
  await until(() => timesDone.size === JOBS, { what: `${JOBS} jobs`, withinMs: 20_000 });
  await worker.stop();
  const { faktory: state } = await client.info();
  t.equal(timesDone.size, JOBS);
  t.same(
    [...timesDone].filter(([, times]) => times !== 1),
    [],
    'none twice',
  );
  t.match(state, { total_enqueued: 0, total_processed: JOBS, total_failures: 0 });
  await client.close();
  await bouncer.gaugesAreZero();
});
