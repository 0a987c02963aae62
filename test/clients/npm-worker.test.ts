// The npm client `faktory-worker`, as its users run it, through both modes to the real Faktory.

import faktoryWorker from 'faktory-worker';
import t from 'tap';
import { requireFaktory } from '../support/real-faktory.ts';
import { until } from '../support/waiting.ts';
import { MODES, openWithPassword } from './house.ts';

const JOBS = 3000;
const PUSHERS = 10;

const skip = requireFaktory(t) === undefined;

for (const mode of MODES) {
  t.test(`${mode}: ${JOBS} jobs, pushed and worked, each exactly once`, { skip }, async (t) => {
    const { bouncer, place, info } = await openWithPassword(t, mode);
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
    await until(() => timesDone.size === JOBS, { what: `${JOBS} jobs`, withinMs: 120_000 });
    await worker.stop();
    const twice = [...timesDone].filter(([, times]) => times !== 1);
    t.same(twice, [], 'none twice');
    t.match(await info(), { total_enqueued: 0, total_processed: JOBS, total_failures: 0 });
    await client.close();
    await bouncer.gaugesAreZero();
    t.equal(await bouncer.metric('bugs_total'), 0);
  });
}
