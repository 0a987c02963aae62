// The side-by-side benchmark: what its options, loads, goals and report promise.

import tap from 'tap';
import { Figures } from '../../bench/harness/figures.ts';
import type { FigureName, Measurement } from '../../bench/harness/figures.ts';
import {
  BENCH_HELP,
  FRONTS,
  frontsOf,
  parseBenchOptions,
} from '../../bench/side-by-side/bench-options.ts';
import { benchGroups, benchReport } from '../../bench/side-by-side/bench-report.ts';
import { GOALS, verdict } from '../../bench/side-by-side/goals.ts';
import { LAYOUTS, LOAD_NAMES, loadFor, LOADS } from '../../bench/side-by-side/loads.ts';
import type { LoadName } from '../../bench/side-by-side/loads.ts';
import type { Front } from '../../bench/harness/fronts.ts';

function measured(
  group: string,
  front: string,
  value: number,
  name: FigureName = 'jobsPerSecond',
): Measurement {
  return { group, caseText: '', front, round: 1, values: { [name]: value }, notes: [] };
}

tap.test('without arguments everything is measured, and only then written to a file', async (t) => {
  const all = parseBenchOptions([]);
  t.match(all, { rounds: 3, seconds: 3, loads: LOAD_NAMES, fronts: FRONTS, layouts: ['shared'] });
  t.equal(all.out, 'bench/results.md');
  for (const args of [
    ['--quick'],
    ['--fronts', 'pooled'],
    ['--loads', 'push-1'],
    ['--against', '.'],
  ]) {
    t.equal(parseBenchOptions(args).out, null, args.join(' '));
  }
  t.equal(parseBenchOptions(['--quick', '--out', 'x.md']).out, 'x.md');
});

tap.test('fronts and loads are measured in one order, whatever the order asked for', async (t) => {
  const { fronts, loads } = parseBenchOptions([
    '--fronts',
    'pooled, direct',
    '--loads',
    'storm-2000,push-200',
  ]);
  t.same(fronts, ['direct', 'pooled']);
  t.same(loads, ['push-200', 'storm-2000']);
});

tap.test('a quick run is one round of one second, unless told otherwise', async (t) => {
  t.match(parseBenchOptions(['--quick']), { rounds: 1, seconds: 1 });
  t.match(parseBenchOptions(['--quick', '--rounds', '2']), { rounds: 2, seconds: 1 });
});

tap.test('another checkout is measured beside this one, for five rounds', async (t) => {
  const options = parseBenchOptions(['--against', '/old']);
  t.match(options, { rounds: 5, fronts: ['session', 'pooled'] });
  t.same(
    frontsOf(options).map(({ name, checkout }) => [name, checkout === '/old']),
    [
      ['session before', true],
      ['session', false],
      ['pooled before', true],
      ['pooled', false],
    ],
  );
});

tap.test('a wrong argument is named, with what would be right', async (t) => {
  t.throws(() => parseBenchOptions(['--rounds', '0']), /--rounds: "0" is not a whole number/);
  t.throws(() => parseBenchOptions(['--fronts', 'envoy']), /"envoy" is not one of direct,/);
  t.throws(() => parseBenchOptions(['--loads', 'push-3']), /"push-3" is not one of push-1,/);
  t.throws(() => parseBenchOptions(['--layouts', 'x']), /"x" is not one of shared,/);
});

tap.test('the help names every load, front and layout', async (t) => {
  for (const name of [...LOAD_NAMES, ...FRONTS, ...LAYOUTS]) t.match(BENCH_HELP, name);
});

tap.test('only pooled gets what would kill Faktory or run out of open files', async (t) => {
  const consumers = (name: LoadName, front: Front['kind']): number | undefined =>
    loadFor(LOADS[name], front)?.flags.consumers;
  t.equal(consumers('cycle-4000', 'pooled'), 4000);
  t.equal(consumers('cycle-4000', 'direct'), 800);
  t.equal(consumers('cycle-200', 'direct'), 200);
  t.equal(consumers('idle-10000', 'pooled'), 10_000);
  t.equal(consumers('idle-10000', 'haproxy'), 9800);
  t.equal(consumers('idle-10000', 'session'), 4800);
  t.equal(loadFor(LOADS['idle-10000'], 'direct'), null);
  t.equal(loadFor(LOADS['push-2000'], 'direct'), LOADS['push-2000']);
});

tap.test('each load is described with its clients, which its name counts', async (t) => {
  for (const name of LOAD_NAMES) {
    const { kind, about, flags } = LOADS[name];
    const { producers = 0, consumers = producers } = flags;
    t.match(about, String(consumers), name);
    if (!name.startsWith('payload')) t.equal(name, `${kind}-${consumers}`);
  }
});

tap.test('memory and storms are measured in the ordinary layout only', async (t) => {
  const options = parseBenchOptions([
    '--loads',
    'push-200,idle-10000',
    '--layouts',
    'shared,split',
  ]);
  const groups = benchGroups(options, () => true);
  t.same(
    groups.map(({ name }) => name),
    ['push-200', 'idle-10000', 'push-200, split'],
  );
});

tap.test('what was not measured has no verdict', async (t) => {
  for (const goal of GOALS) t.equal(verdict(goal, goal.value(new Figures([]))), 'open', goal.text);
});

tap.test('a goal is reached at its limit, and missed beyond it', async (t) => {
  const [atLeast] = GOALS.filter(({ bound }) => bound === 'at least');
  const [atMost] = GOALS.filter(({ bound }) => bound === 'at most');
  if (atLeast === undefined || atMost === undefined) throw new Error('a bound has no goal');
  t.equal(verdict(atLeast, atLeast.limit), 'reached');
  t.equal(verdict(atLeast, atLeast.limit - 0.01), 'missed');
  t.equal(verdict(atMost, atMost.limit), 'reached');
  t.equal(verdict(atMost, atMost.limit + 0.01), 'missed');
});

tap.test('added latency is compared without the way that all have in common', async (t) => {
  const figures = new Figures([
    measured('push-1', 'direct', 2, 'p50Ms'),
    measured('push-1', 'haproxy', 3, 'p50Ms'),
    measured('push-1', 'pooled', 3.5, 'p50Ms'),
  ]);
  const goal = GOALS.find(({ text }) => text.startsWith('pooled, 1 client'));
  t.equal(goal?.value(figures), 1.5);
});

tap.test('the report has goals, a table for each load and what was left out', async (t) => {
  const options = parseBenchOptions(['--loads', 'push-200,idle-10000']);
  const figures = new Figures([
    measured('push-200', 'direct', 100),
    measured('push-200', 'pooled', 120),
  ]);
  const head = { machine: '2 cores (a CPU)', missing: ['HAProxy is not installed.'] };
  const text = benchReport(
    head,
    options,
    benchGroups(options, () => true),
    figures,
  );
  t.match(text, '2 cores (a CPU).\n');
  t.match(text, '- HAProxy is not installed.');
  t.match(text, /## push-200\n\n200 clients PUSH/);
  t.match(text, /\| direct +\| n\/a +\| n\/a/);
  t.match(
    text,
    /\| pooled, 200 pushing clients: throughput against direct +\| at least 1.25 x \| 1.20 x/,
  );
});

tap.test('a report against another checkout compares the medians', async (t) => {
  const options = parseBenchOptions(['--against', '/old', '--loads', 'push-200']);
  const figures = new Figures([
    measured('push-200', 'pooled before', 100),
    measured('push-200', 'pooled', 120),
  ]);
  const head = { machine: '', missing: [] };
  const text = benchReport(
    head,
    options,
    benchGroups(options, () => true),
    figures,
  );
  t.match(text, '## Against /old\n');
  t.match(text, /\| push-200 \| pooled \| +1\.20 \|/);
});
