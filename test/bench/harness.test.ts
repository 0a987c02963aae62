// What the benchmarks share: arguments, figures, texts and tables.

import tap from 'tap';
import { positives, UsageError } from '../../bench/harness/arguments.ts';
import { Figures, spreadOf } from '../../bench/harness/figures.ts';
import type { FigureName, Measurement } from '../../bench/harness/figures.ts';
import type { Group } from '../../bench/harness/groups.ts';
import { markdownTable } from '../../bench/harness/markdown-table.ts';
import { haproxyConfig, nginxBuildIn, nginxConfig } from '../../bench/harness/peers.ts';
import { groupTable, groupText } from '../../bench/harness/report.ts';
import { figure, outcomeText, shareText, spreadText } from '../../bench/harness/texts.ts';
import { OVERLOAD_HELP, parseOverloadOptions } from '../../bench/overload/overload-options.ts';
import { parseQueuesOptions, QUEUES_HELP } from '../../bench/queues/queues-options.ts';
import { parseTlsCostOptions, TLS_COST_HELP } from '../../bench/tls-cost/tls-cost-options.ts';
import { parseMetrics, sumOf } from '../../demo/metrics-text.ts';

const PLACE = { group: 'push-200', caseText: '', front: 'pooled' };

function measured(
  front: string,
  round: number,
  value: number,
  name: FigureName = 'jobsPerSecond',
): Measurement {
  return { ...PLACE, front, round, values: { [name]: value }, notes: [] };
}

const TWO_ROUNDS = new Figures([
  measured('direct', 1, 1000),
  measured('haproxy', 1, 500),
  measured('nginx', 1, 800),
  measured('pooled', 1, 1600),
  // A slow moment of the machine, in which HAProxy is ahead of nginx.
  measured('direct', 2, 100),
  measured('haproxy', 2, 80),
  measured('nginx', 2, 50),
  measured('pooled', 2, 120),
]);

tap.test('the middle of an even number of rounds is between the two', async (t) => {
  t.same(spreadOf([3, 1, 2]), { min: 1, median: 2, max: 3 });
  t.same(spreadOf([4, 1, 2, 10]), { min: 1, median: 3, max: 10 });
  t.equal(spreadOf([]), null);
});

tap.test('a ratio is taken within its round, against the peer that was better in it', async (t) => {
  t.same(TWO_ROUNDS.ratio(PLACE, 'jobsPerSecond', 'direct'), {
    min: 1.2,
    median: (1.6 + 1.2) / 2,
    max: 1.6,
  });
  t.same(TWO_ROUNDS.ratio(PLACE, 'jobsPerSecond', 'peer'), { min: 1.5, median: 1.75, max: 2 });
});

tap.test('the better peer is the lesser where less is better', async (t) => {
  const figures = new Figures([
    measured('haproxy', 1, 40, 'proxyMicros'),
    measured('nginx', 1, 20, 'proxyMicros'),
    measured('pooled', 1, 10, 'proxyMicros'),
  ]);
  t.equal(figures.ratio(PLACE, 'proxyMicros', 'peer')?.median, 0.5);
});

tap.test('what was not measured has no ratio', async (t) => {
  t.equal(TWO_ROUNDS.ratio(PLACE, 'p50Ms', 'direct'), null);
  t.equal(TWO_ROUNDS.ratio({ ...PLACE, front: 'session' }, 'jobsPerSecond', 'direct'), null);
});

tap.test('a spread has its unit once, and no brackets when all rounds agree', async (t) => {
  t.equal(spreadText({ min: 19.8, median: 20.04, max: 250 }, 'micros'), '20.0 µs (19.8–250)');
  t.equal(spreadText({ min: 5, median: 5, max: 5 }, 'count'), '5');
  t.equal(spreadText({ min: 0.9, median: 0.95, max: 1.2 }, 'ms'), '950 µs (900–1200)');
  t.equal(spreadText({ min: 900, median: 2100, max: 3000 }, 'ms'), '2.10 s (0.90–3.00)');
  t.equal(spreadText({ min: 0.4, median: 0.41, max: 0.414 }, 'share'), '41 % (40–41)');
  t.equal(spreadText({ min: 0.9, median: 0.95, max: 1.2 }, 'ratio'), '0.95 (0.90–1.20)');
  t.equal(spreadText({ min: Infinity, median: Infinity, max: Infinity }, 'ms'), 'fails');
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

tap.test('a share is told only where it says something', async (t) => {
  t.equal(shareText(0, 100), '0');
  t.equal(shareText(80, 160), '80 (50 %)');
  t.equal(shareText(1, 1000), '1 (0.1 %)');
  t.equal(shareText(3, 0), '3');
});

tap.test('progress says what was measured, and what went wrong', async (t) => {
  const notes = ['7 were refused'];
  const text = outcomeText({ values: { jobsPerSecond: 1234 }, notes }, ['jobsPerSecond', 'p50Ms']);
  t.equal(text, 'jobs/s 1234, 7 were refused');
});

function group(cases: readonly string[]): Group {
  return {
    name: 'push-200',
    about: 'About it.',
    columns: [
      { figure: 'jobsPerSecond', title: 'PUSH/s', ratioTo: ['direct'] },
      { figure: 'lostBySecond' },
    ],
    fronts: [
      { name: 'direct', kind: 'direct' },
      { name: 'pooled', kind: 'pooled' },
    ],
    cases: cases.map((text) => ({ text, measure: async () => null })),
    placement: 'shared',
    stages: 'kept',
  };
}

tap.test('a group is a table of its fronts, with what went wrong below', async (t) => {
  const figures = new Figures([
    ...TWO_ROUNDS.measurements,
    { ...measured('pooled', 3, 1), texts: { lostBySecond: '3 0' }, notes: ['7 were refused'] },
  ]);
  const text = groupText(group(['']), figures);
  t.match(text, '## push-200\n\nAbout it.\n');
  t.match(text, /\| front +\| +PUSH\/s \| +× direct \| lost, by second \|/);
  t.match(text, /\| pooled +\| +120 \(1–1600\) \| 1\.40 \(1\.20–1\.60\) \| 3 0 +\|/);
  t.match(text, '- pooled: 7 were refused');
});

tap.test('cases stand in their order, or together under their front', async (t) => {
  const figures = new Figures([]);
  const rows = (table: string): readonly string[] => table.split('\n').slice(2, 6);
  const byCase = rows(groupTable(group(['1', '2']), figures));
  t.match(byCase[0], /\| +1 \| direct/);
  t.match(byCase[1], /\| +1 \| pooled/);
  const shape = { caseTitle: 'consumers', frontFirst: true };
  const byFront = groupTable(group(['1', '2']), figures, shape);
  t.match(byFront, /^\| front +\| consumers/);
  t.match(rows(byFront)[1], /\| direct \| +2 \| n\/a/);
});

tap.test('a table pads its columns, and puts numbers at the right', async (t) => {
  const table = markdownTable(
    ['front', 'lost'],
    [
      ['direct', '80 (50 %)'],
      ['session', '0'],
    ],
  );
  t.equal(
    table,
    [
      '| front   |      lost |',
      '| ------- | --------: |',
      '| direct  | 80 (50 %) |',
      '| session |         0 |',
      '',
    ].join('\n'),
  );
});

tap.test('a table without rows is its head, and a row may be short but not long', async (t) => {
  t.equal(markdownTable(['a'], []), '| a   |\n| --- |\n');
  t.match(markdownTable(['a', 'b'], [['x']]), '| x   |     |');
  t.throws(() => markdownTable(['a'], [['x', 'y']]), /2 cells of 1/);
});

tap.test('a cell cannot break its table', async (t) => {
  t.match(markdownTable(['a'], [['x|y\nz']]), 'x\\|y z');
});

tap.test('metrics are summed over the labels that are asked for', async (t) => {
  const samples = parseMetrics(
    [
      '# HELP x_total Words.',
      'x_total{role="worker",state="open"} 3',
      'x_total{role="producer",state="open"} 2',
      'x_total{role="worker",state="closing"} 1.5',
      'y 7',
      'not a metric',
    ].join('\n'),
  );
  t.equal(sumOf(samples, 'x_total'), 6.5);
  t.equal(sumOf(samples, 'x_total', { role: 'worker' }), 4.5);
  t.equal(sumOf(samples, 'x_total', { role: 'worker', state: 'open' }), 3);
  t.equal(sumOf(samples, 'y'), 7);
  t.equal(sumOf(samples, 'z'), 0);
});

tap.test('the overload command line has the defaults that its help names', async (t) => {
  const options = parseOverloadOptions([]);
  t.same(options.consumers, [500, 900, 1100, 2000, 4000]);
  t.same(options.fronts, ['direct', 'session', 'pooled']);
  t.equal(options.out, null);
  t.match(OVERLOAD_HELP, options.consumers.join(','));
  t.match(OVERLOAD_HELP, options.fronts.join(','));
  t.match(OVERLOAD_HELP, `(${options.seconds})`);
  t.match(OVERLOAD_HELP, `(${options.jobsPerSecond})`);
});

tap.test('the queues command line has the defaults that its help names', async (t) => {
  const options = parseQueuesOptions([]);
  for (const number of [options.consumers, options.jobsPerSecond, options.seconds]) {
    t.match(QUEUES_HELP, `(${number})`);
  }
  t.match(QUEUES_HELP, `(${options.fronts.join(',')})`);
  t.match(QUEUES_HELP, `(${options.wids.join(',')})`);
  t.equal(options.out, null);
});

tap.test('the TLS command line has the defaults that its help names', async (t) => {
  const options = parseTlsCostOptions([]);
  for (const number of [options.clients, options.commands, options.rounds]) {
    t.match(TLS_COST_HELP, `(${number})`);
  }
  t.match(TLS_COST_HELP, `(${options.fronts.join(',')})`);
});

tap.test('a wrong argument is wrong usage, and is named', async (t) => {
  t.throws(
    () => positives('--consumers', '5,x'),
    new UsageError('Cannot use --consumers: "x" is not a whole number above 0'),
  );
  t.throws(() => parseOverloadOptions(['--rate', '0']), /--rate: "0"/);
  t.throws(() => parseOverloadOptions(['--fronts', 'haproxy']), /"haproxy" is not one of/);
  t.throws(() => parseOverloadOptions(['--nonsense']), /nonsense/);
});

const SERVER = { host: '127.0.0.1', port: 7419 };

tap.test('HAProxy gets as many clients as its open files allow, 20000 at most', async (t) => {
  t.match(haproxyConfig('127.0.0.1:1', SERVER, 20_000), 'maxconn 9950\n');
  t.match(haproxyConfig('127.0.0.1:1', SERVER, 40_100), 'maxconn 20000\n');
  t.match(haproxyConfig('127.0.0.1:1', SERVER, Infinity), 'maxconn 20000\n');
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
