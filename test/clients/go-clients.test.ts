// Programs written with Faktory's own Go client, unchanged, through both modes to the real Faktory.

import t from 'tap';
import { requireGoClients, runGoClient } from '../support/go-client.ts';
import { requireFaktory } from '../support/real-faktory.ts';
import { MODES, openWithPassword } from './house.ts';

const skip = requireFaktory(t) === undefined || !requireGoClients(t);
const JOBS = 3000;

for (const mode of MODES) {
  t.test(`${mode}: a worker of faktory_worker_go does each job once`, { skip }, async (t) => {
    const { bouncer, place, info } = await openWithPassword(t, mode);
    const { stdout, stderr } = await runGoClient('worker', place, [`-jobs=${JOBS}`]);
    t.equal(stderr, '');
    t.same(JSON.parse(stdout), { done: JOBS, twice: 0 });
    t.match(await info(), { total_enqueued: 0, total_processed: JOBS, total_failures: 0 });
    await bouncer.gaugesAreZero();
    t.equal(await bouncer.metric('bugs_total'), 0);
  });

  t.test(`${mode}: Faktory's own load program runs without an error`, { skip }, async (t) => {
    const { bouncer, place } = await openWithPassword(t, mode);
    const { stdout, stderr } = await runGoClient('load', place, [String(JOBS), '20']);
    const lines = stdout.trimEnd().split('\n');
    t.equal(lines.length, 2, `what it says besides beginning and end: ${stdout}${stderr}`);
    t.match(lines.at(-1), /^Processed \d+ pushes and \d+ pops/);
    await bouncer.gaugesAreZero();
    t.equal(await bouncer.metric('bugs_total'), 0);
  });
}
