// Faktory Enterprise's names: what is known is sent, and nothing else.

import t from 'tap';
import { Counts } from '../../../src/observe/counts.ts';
import { LegacyReport } from '../../../src/observe/statsd/legacy-report.ts';
import type { Snapshot } from '../../../src/observe/snapshot.ts';
import { fullSnapshot } from '../../support/full-snapshot.ts';

function valuesOf(report: LegacyReport, snapshot: Snapshot): Record<string, number> {
  const sent = report.take({ counts: new Counts(), snapshot }, []);
  return Object.fromEntries(sent.map(({ name, value }) => [name, value]));
}

t.test('with everything known, each name has its number', async (t) => {
  t.strictSame(valuesOf(new LegacyReport('enterprise', 'faktory.'), fullSnapshot()), {
    'faktory.processed': 500,
    'faktory.failures': 6,
    'faktory.enqueued': 42,
    'faktory.scheduled': 7,
    'faktory.retries': 8,
    'faktory.dead': 9,
    'faktory.enqueued.default': 42,
    'faktory.ops.connections': 12,
    'faktory.ops.redis.connections': 10,
    'faktory.ops.redis.memory': 1048576,
  });
});

t.test('what is not known is not sent, and the prefix may be empty', async (t) => {
  const silent = fullSnapshot({ faktory: { up: false, info: null }, redis: null });
  t.strictSame(valuesOf(new LegacyReport('enterprise', ''), silent), { 'ops.connections': 12 });
});

t.test('none are sent unless they are asked for', async (t) => {
  t.strictSame(valuesOf(new LegacyReport('none', 'faktory.'), fullSnapshot()), {});
});

t.test('jobs are sent by queue and type as what was added, and run times one by one', async (t) => {
  const counts = new Counts(5);
  const series = counts.jobs.of('low', 'mail', 0);
  series.acknowledged = 3;
  series.failed = 1;
  const report = new LegacyReport('enterprise', '');
  const tags = { queue: 'low', jobtype: 'mail' };
  const take = (): readonly object[] =>
    report
      .take({ counts, snapshot: fullSnapshot() }, [{ ...tags, ms: 12 }])
      .filter(({ name }) => name.startsWith('jobs.'));
  const perform = { name: 'jobs.perform', type: 'timing', value: 12, tags };
  t.strictSame(take(), [
    { name: 'jobs.count', type: 'count', value: 4, tags },
    { name: 'jobs.failed', type: 'count', value: 1, tags },
    perform,
  ]);
  t.strictSame(take(), [perform]);
});
