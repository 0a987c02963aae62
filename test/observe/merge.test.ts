// Counts and snapshots of several processes as those of one bouncer, as they arrive over a channel.

import { deserialize, serialize } from 'node:v8';
import t from 'tap';
import { Counts } from '../../src/observe/counts.ts';
import { allFamilies } from '../../src/observe/families/all.ts';
import { addFigures, type CountFigures, figuresOf } from '../../src/observe/merge-counts.ts';
import { mergedSnapshot } from '../../src/observe/merge-snapshots.ts';
import { createMetrics } from '../../src/observe/prometheus.ts';
import type { Snapshot } from '../../src/observe/snapshot.ts';
import { fullSnapshot } from '../support/full-snapshot.ts';

/** As the channel between processes carries it. */
function sent<Value>(value: Value): Value {
  return deserialize(serialize(value)) as Value;
}

function busyCounts(): Counts {
  const counts = new Counts(5);
  counts.client.accepted.total = 3;
  counts.client.commands.observeMs('PUSH', 2);
  counts.client.bytes.add('received', 10);
  counts.server.dials.add('failed');
  counts.lanes.bulkPushes.jobs = 4;
  counts.jobs.forgotten = 1;
  counts.jobs.of('default', 'mail', 0).pushed = 7;
  counts.jobs.of('default', 'mail', 0).runTime.observeMs(20);
  counts.jobs.unknown.acknowledged = 2;
  return counts;
}

t.test('every count is added up, and arrives whole', async (t) => {
  const total = new Counts(5);
  const figures: CountFigures = sent(figuresOf(busyCounts()));
  addFigures(total, figures);
  addFigures(total, figures);
  const render = async (counts: Counts): Promise<Map<string, number>> => {
    const text = await createMetrics(allFamilies('1'), counts, () => fullSnapshot()).render();
    const lines = text
      .split('\n')
      .filter((line) => /^f.*_(?:total|count|sum|bucket)[{ ]/.test(line));
    return new Map(
      lines.map((line) => [
        line.slice(0, line.lastIndexOf(' ')),
        Number(line.slice(line.lastIndexOf(' ') + 1)),
      ]),
    );
  };
  const one = await render(busyCounts());
  const two = await render(total);
  let compared = 0;
  for (const [name, value] of one) {
    // Not from counts.
    if (/nodejs_|process_|faktory_|redis_/.test(name.slice('faktory_bouncer_'.length))) continue;
    t.equal(two.get(name), 2 * value, name);
    if (value > 0) compared += 1;
  }
  t.ok(compared > 20, `${compared} series are not 0`);
});

t.test('a snapshot of two has the sums, and what is common once', async (t) => {
  const one = sent(fullSnapshot());
  const other = sent(
    fullSnapshot({
      writes: { state: 'suspect', held: 2 },
      faktory: { ...fullSnapshot().faktory, up: false },
      sharedLimit: null,
      adaptation: null,
    }),
  );
  const merged = mergedSnapshot([one, other], { listening: 2, silent: 0, restarts: 0 }) as Snapshot;
  t.equal(merged.placesTaken.worker, 2 * one.placesTaken.worker);
  t.equal(merged.clients.worker.open, 4);
  t.equal(merged.limits.clients, 2 * one.limits.clients);
  t.strictSame(merged.fetches, { inFlight: 1200, waiting: 10 });
  t.equal(merged.waitingLine.oldestWaitSeconds, 1.5);
  t.strictSame(merged.writes, { state: 'suspect', held: 2 });
  t.equal(merged.faktory.up, false);
  t.strictSame(merged.faktory.info, one.faktory.info);
  t.strictSame(merged.redis, one.redis);
  t.match(merged.sharedLimit, { state: 'leased', leased: 300, house: { holders: 3 } });
  t.strictSame(merged.adaptation, one.adaptation);
  t.equal(merged.certificates.length, 1);
  t.equal(one.clients.worker.open, 2, 'what was merged is as it was');
  t.equal(mergedSnapshot([], { listening: 0, silent: 0, restarts: 0 }), null);
});
