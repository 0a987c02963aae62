// What goes to statsd of the metric families.

import t from 'tap';
import { Counts } from '../../../src/observe/counts.ts';
import { allFamilies } from '../../../src/observe/families/all.ts';
import { METRIC_PREFIX } from '../../../src/observe/families/family.ts';
import { FamilyReport } from '../../../src/observe/statsd/family-report.ts';
import type { Measurement } from '../../../src/observe/statsd/measurement.ts';
import { quantile } from '../../../src/observe/statsd/quantile.ts';
import type { Snapshot } from '../../../src/observe/snapshot.ts';
import { fullSnapshot } from '../../support/full-snapshot.ts';

function open(): { counts: Counts; take: (snapshot?: Snapshot) => readonly Measurement[] } {
  const counts = new Counts();
  const report = new FamilyReport(allFamilies('0.1.0'), 'b.');
  return { counts, take: (snapshot = fullSnapshot()) => report.take({ counts, snapshot }) };
}

function find(measurements: readonly Measurement[], name: string): readonly Measurement[] {
  return measurements.filter((measurement) => measurement.name === name);
}

t.test('a counter is sent as what was added since the report before', async (t) => {
  const { counts, take } = open();
  counts.client.refusals.add('clients', 3);
  t.strictSame(find(take(), 'b.refusals_total'), [
    { name: 'b.refusals_total', type: 'count', value: 3, tags: { reason: 'clients' } },
  ]);
  t.strictSame(find(take(), 'b.refusals_total'), []);
  counts.client.refusals.add('clients', 2);
  t.match(find(take(), 'b.refusals_total'), [{ value: 2 }]);
});

t.test('a gauge is sent each time, as it is', async (t) => {
  const { take } = open();
  for (const workers of [4, 4, 0]) {
    const tags = {};
    const sent = find(take(fullSnapshot({ workers })), 'b.workers');
    t.strictSame(sent, [{ name: 'b.workers', type: 'gauge', value: workers, tags }]);
  }
});

t.test("Faktory's counters begin with what they say first, and may start over", async (t) => {
  const { take } = open();
  const { info } = fullSnapshot().faktory;
  if (info === null) throw new Error('no INFO');
  const at = (commands: number): Snapshot =>
    fullSnapshot({ faktory: { up: true, info: { ...info, commands } } });
  const name = 'b.faktory_commands_total';
  t.strictSame(find(take(at(1000)), name), []);
  t.match(find(take(at(1010)), name), [{ value: 10 }]);
  t.match(find(take(at(4)), name), [{ value: 4 }], 'it has started over');
  t.strictSame(find(take(fullSnapshot({ faktory: { up: false, info: null } })), name), []);
  t.strictSame(find(take(at(8)), name), [], 'what happened while it was silent is not known');
});

t.test('a histogram is sent as count, sum and quantiles of what was added', async (t) => {
  const { counts, take } = open();
  for (let time = 0; time < 100; time += 1) counts.client.commands.observeMs('PUSH', 4000);
  take();
  for (let time = 0; time < 99; time += 1) counts.client.commands.observeMs('PUSH', 2);
  counts.client.commands.observeMs('PUSH', 60_000);
  const sent = take().filter(({ name }) => name.startsWith('b.command_duration_seconds'));
  const byName = new Map(sent.map(({ name, value }) => [name.split('.').at(-1), value]));
  t.strictSame([...byName.keys()], ['count', 'sum', 'p50', 'p95', 'p99']);
  t.ok(sent.every(({ tags }) => tags['verb'] === 'PUSH' && tags['le'] === undefined));
  t.equal(byName.get('count'), 100);
  t.ok(Math.abs((byName.get('sum') ?? 0) - 60.198) < 1e-9);
  t.ok((byName.get('p50') ?? 0) > 0.001 && (byName.get('p50') ?? 1) <= 0.0025);
  t.strictSame(
    take().filter(({ name }) => name.startsWith('b.command_duration_seconds')),
    [],
    'nothing where nothing was added',
  );
});

t.test('a quantile lies within its bucket, and is the last bound at most', async (t) => {
  const buckets = [
    { bound: 1, count: 10 },
    { bound: 2, count: 10 },
    { bound: Number.POSITIVE_INFINITY, count: 5 },
  ];
  t.equal(quantile(buckets, 0.4), 1);
  t.equal(quantile(buckets, 0.6), 1.5);
  t.equal(quantile(buckets, 0.99), 2);
  t.equal(quantile([], 0.5), 0);
});

t.test('every family of /metrics is sent, and nothing that is not one', async (t) => {
  const { counts, take } = open();
  counts.client.commands.observeMs('PUSH', 1);
  const { info } = fullSnapshot().faktory;
  const names = new Set(allFamilies('0.1.0').map(({ name }) => name.slice(METRIC_PREFIX.length)));
  t.ok(info !== null && names.size > 60);
  const sent = new Set(take().map(({ name }) => name.slice(2).replace(/\.(count|sum|p\d\d)$/, '')));
  for (const name of sent) t.ok(names.has(name), name);
  const gauges = allFamilies('0.1.0').filter(({ type }) => type === 'gauge');
  for (const { name } of gauges) t.ok(sent.has(name.slice(METRIC_PREFIX.length)), name);
});
