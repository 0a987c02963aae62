// Several processes, one limit, a real Faktory. Promise: Faktory never counts more connections than the limit,
// whatever process is killed, and the limit is used to the last place again afterwards.

import t from 'tap';
import { signal } from '../../bench/harness/signals.ts';
import { Crowd } from '../sharing/support/crowd.ts';
import { Sampler } from '../sharing/support/sampler.ts';
import { RealFaktory, requireFaktory } from '../support/real-faktory.ts';
import { RawClient } from '../support/raw-client.ts';
import { until } from '../support/waiting.ts';
import { childrenOf, metricsAre, startProcesses, WITHIN_MS } from './support/processes.ts';

const LIMIT = 30;
const skip = requireFaktory(t) === undefined;

t.test(
  'processes hold one limit, also when one is killed',
  { skip, timeout: 600_000 },
  async (t) => {
    const faktory = await RealFaktory.start();
    t.teardown(() => faktory.stop());
    // It is there before the processes, so it takes a place of the limit.
    const client = await RawClient.connect({ port: faktory.port, boundMs: WITHIN_MS });
    const sampler = new Sampler(client);
    const bouncer = await startProcesses(t, faktory, {
      PROCESSES: '3',
      LIMITS_SERVER_CONNECTIONS: String(LIMIT),
      LIMITS_PRODUCER_RESERVE: '0',
    });
    const crowd = new Crowd(3 * LIMIT, () => [bouncer.port]);
    t.teardown(() => crowd.leave());
    await isFull(sampler, 'at first');
    await metricsAre(bouncer, { server_connections_limit: LIMIT });

    for (const [ended, nth] of [0, 2].entries()) {
      const before = childrenOf(bouncer);
      t.equal(before.length, 3);
      const killed = before[nth];
      signal(killed, 'SIGKILL');
      // The parent may not have seen the end yet: three that serve are not the next three.
      await metricsAre(bouncer, { process_restarts_total: ended + 1, processes: 3 });
      const left = before.filter((pid) => pid !== killed);
      t.ok(
        left.every((pid) => childrenOf(bouncer).includes(pid)),
        'the others go on',
      );
      await isFull(sampler, `after the end of process ${nth}`);
    }
    // On a busy machine a process may answer too late, and is told as it was before.
    const metrics = await until(
      async () => {
        const found = await bouncer.metrics();
        return (found.get('client_connections_accepted_total') ?? 0) >= 3 * LIMIT && found;
      },
      { what: 'what they counted to have stayed', withinMs: WITHIN_MS },
    );
    t.equal(metrics.get('process_restarts_total'), 2);
    await sampler.end();
    t.ok(sampler.samples > 20);
    t.equal(sampler.peak, LIMIT, 'the most that Faktory ever counted');
  },
);

async function isFull(sampler: Sampler, when: string): Promise<void> {
  await until(() => sampler.last >= LIMIT, {
    what: `${LIMIT} connections ${when}`,
    withinMs: WITHIN_MS,
  });
}
