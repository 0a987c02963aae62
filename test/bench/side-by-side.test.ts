// The side-by-side benchmark's pure parts: what its options, figures, goals and tables promise.

import tap from 'tap';
import { BENCH_HELP, parseBenchOptions } from '../../bench/compare/bench-options.ts';
import { Figures, spreadOf } from '../../bench/compare/figures.ts';
import type { Measurement } from '../../bench/compare/figures.ts';
import { GOALS, verdict } from '../../bench/compare/goals.ts';
import { FRONTS, LOAD_NAMES, describeLoad, loadFor, loadOf } from '../../bench/compare/loads.ts';
import type { FrontName } from '../../bench/compare/loads.ts';
import { report } from '../../bench/compare/report.ts';
import { figure, progressText, spreadText } from '../../bench/compare/texts.ts';
import { haproxyConfig } from '../../bench/fronts/haproxy.ts';
import { nginxBuildIn, nginxConfig } from '../../bench/fronts/nginx.ts';

function pushing(front: FrontName, round: number, jobsPerSecond: number): Measurement {
  return { load: 'push-200', front, round, values: { jobsPerSecond }, notes: [] };
}

const TWO_ROUNDS = new Figures([
  pushing('direct', 1, 1000),
  pushing('haproxy', 1, 500),
  pushing('nginx', 1, 800),
  pushing('pooled', 1, 1600),
  // A slow moment of the machine, in which HAProxy is ahead of nginx.
  pushing('direct', 2, 100),
  pushing('haproxy', 2, 80),
  pushing('nginx', 2, 50),
  pushing('pooled', 2, 120),
]);

tap.test('without arguments everything is measured, and only then written to a file', async (t) => {
  const all = parseBenchOptions([]);
  t.match(all, { rounds: 3, seconds: 3, loads: LOAD_NAMES, fronts: FRONTS });
  t.equal(all.out, 'bench/results.md');
  for (const args of [['--quick'], ['--fronts', 'pooled'], ['--loads', 'push-1']]) {
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

tap.test('a wrong argument is named, with what would be right', async (t) => {
  t.throws(() => parseBenchOptions(['--rounds', '0']), /--rounds: "0" is not a whole number/);
  t.throws(() => parseBenchOptions(['--fronts', 'envoy']), /--fronts: "envoy" is none of direct,/);
  t.throws(() => parseBenchOptions(['--loads', 'push-3']), /--loads: "push-3" is none of push-1,/);
});

tap.test('the help names every load and every front', async (t) => {
  for (const name of [...LOAD_NAMES, ...FRONTS]) t.match(BENCH_HELP, name);
});

tap.test('only pooled gets what would kill Faktory or run out of open files', async (t) => {
  t.match(loadFor('cycle-4000', 'pooled'), { consumers: 4000 });
  t.match(loadFor('cycle-4000', 'direct'), { consumers: 800 });
  t.match(loadFor('cycle-200', 'direct'), { consumers: 200 });
  t.match(loadFor('idle-10000', 'pooled'), { clients: 10_000 });
  t.match(loadFor('idle-10000', 'haproxy'), { clients: 9800 });
  t.match(loadFor('idle-10000', 'session'), { clients: 4800 });
  t.equal(loadFor('idle-10000', 'direct'), null);
  t.equal(loadFor('push-2000', 'direct'), loadOf('push-2000'));
});

tap.test('the middle of an even number of rounds is between the two', async (t) => {
  t.same(spreadOf([3, 1, 2]), { min: 1, median: 2, max: 3 });
  t.same(spreadOf([4, 1, 2, 10]), { min: 1, median: 3, max: 10 });
  t.equal(spreadOf([]), null);
});

tap.test('a ratio is taken within its round, against the peer that was better in it', async (t) => {
  t.same(TWO_ROUNDS.ratio('push-200', 'pooled', 'jobsPerSecond', 'direct'), {
    min: 1.2,
    median: (1.6 + 1.2) / 2,
    max: 1.6,
  });
  t.same(TWO_ROUNDS.ratio('push-200', 'pooled', 'jobsPerSecond', 'peer'), {
    min: 1.5,
    median: 1.75,
    max: 2,
  });
});

tap.test('the better peer is the lesser where less is better', async (t) => {
  const costing = (front: FrontName, proxyMicros: number): Measurement => {
    return { load: 'push-1', front, round: 1, values: { proxyMicros }, notes: [] };
  };
  const figures = new Figures([
    costing('haproxy', 40),
    costing('nginx', 20),
    costing('pooled', 10),
  ]);
  t.equal(figures.ratio('push-1', 'pooled', 'proxyMicros', 'peer')?.median, 0.5);
});

tap.test('what was not measured has no ratio and no verdict', async (t) => {
  t.equal(TWO_ROUNDS.ratio('push-200', 'pooled', 'p50Ms', 'direct'), null);
  t.equal(TWO_ROUNDS.ratio('push-200', 'session', 'jobsPerSecond', 'direct'), null);
  const none = new Figures([]);
  for (const goal of GOALS) t.equal(verdict(goal, goal.value(none)), 'open', goal.text);
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
  const taking = (front: FrontName, p50Ms: number): Measurement => {
    return { load: 'push-1', front, round: 1, values: { p50Ms }, notes: [] };
  };
  const figures = new Figures([taking('direct', 2), taking('haproxy', 3), taking('pooled', 3.5)]);
  const goal = GOALS.find(({ text }) => text.startsWith('pooled, 1 client'));
  t.equal(goal?.value(figures), 1.5);
});

tap.test('a spread has its unit once, and no brackets when all rounds agree', async (t) => {
  t.equal(spreadText({ min: 19.8, median: 20.04, max: 250 }, 'micros'), '20.0 µs (19.8–250)');
  t.equal(spreadText({ min: 5, median: 5, max: 5 }, 'rate'), '5');
  t.equal(spreadText({ min: 0.9, median: 0.95, max: 1.2 }, 'ms'), '950 µs (900–1200)');
  t.equal(spreadText({ min: 0.9, median: 0.95, max: 1.2 }, 'ratio'), '0.95 (0.90–1.20)');
  t.equal(spreadText(null, 'ms'), '');
});

tap.test('a figure has three digits that count', async (t) => {
  t.same([0.123, 9.994, 9.996, 99.94, 99.96, 1234].map(figure), [
    '0.12',
    '9.99',
    '10.0',
    '99.9',
    '100',
    '1234',
  ]);
});

tap.test('progress says what was measured, and what went wrong', async (t) => {
  const notes = ['7 were refused'];
  const text = progressText({ ...pushing('pooled', 1, 1234), notes });
  t.equal(text, '1234 jobs/s, 7 were refused');
});

tap.test(
  'the report has a table for each load, with what was left out and went wrong',
  async (t) => {
    const measurement = { ...pushing('pooled', 3, 1), notes: ['7 were refused'] };
    const figures = new Figures([...TWO_ROUNDS.measurements, measurement]);
    const text = report(
      {
        machine: '2 cores (a CPU)',
        versions: 'Faktory 1.7.0',
        rounds: 2,
        seconds: 1,
        loads: ['push-200', 'idle-10000'],
        fronts: ['direct', 'pooled'],
        missing: ['HAProxy is not installed, and left out.'],
      },
      figures,
    );
    t.match(text, '2 cores (a CPU). Faktory 1.7.0.');
    t.match(text, '- HAProxy is not installed, and left out.');
    t.match(text, /## push-200\n\n200 clients PUSH/);
    t.match(text, /\| pooled \| +120 \(1–1600\) \|/);
    t.match(text, '- pooled: 7 were refused');
    t.match(text, /\| direct \| n\/a +\| n\/a/);
    t.match(text, '| pooled, 200 pushing clients: throughput against direct');
  },
);

tap.test('each load is described with its numbers', async (t) => {
  for (const name of LOAD_NAMES) {
    const load = loadOf(name);
    t.match(describeLoad(load), String(load.kind === 'cycle' ? load.consumers : load.clients));
  }
});

const SERVER = { host: '127.0.0.1', port: 7419 };

tap.test('HAProxy gets as many clients as its open files allow, 20000 at most', async (t) => {
  t.match(haproxyConfig(1, SERVER, 20_000), 'maxconn 9950\n');
  t.match(haproxyConfig(1, SERVER, 40_100), 'maxconn 20000\n');
  t.match(haproxyConfig(1, SERVER, Infinity), 'maxconn 20000\n');
});

tap.test('nginx is used with its stream module built in or beside it, or not at all', async (t) => {
  const version = 'nginx version: nginx/1.22.1\nconfigure arguments: ';
  t.same(nginxBuildIn(`${version}--with-stream --with-x`), {
    version: '1.22.1',
    streamModule: null,
  });
  const dynamic = nginxBuildIn(`${version}--modules-path=/m --with-stream=dynamic`);
  t.same(dynamic, { version: '1.22.1', streamModule: '/m/ngx_stream_module.so' });
  t.equal(nginxBuildIn(`${version}--with-http_v2_module`), undefined);
  t.equal(nginxBuildIn('no such program'), undefined);
  if (dynamic === undefined) return;
  const config = nginxConfig({ port: 1, folder: '/f', server: SERVER, build: dynamic });
  t.match(config, /^load_module \/m\/ngx_stream_module.so;\n/);
  t.match(config, 'proxy_pass 127.0.0.1:7419;');
});
