// The benchmark's pure parts: what its figures and tables promise.

import tap from 'tap';
import { markdownTable } from '../../bench/markdown-table.ts';
import { parseMetrics, sumOf } from '../../bench/metrics-text.ts';
import { OVERLOAD_HELP, parseOverloadOptions } from '../../bench/overload-options.ts';
import { durationText, percentile, percentiles, shareText } from '../../bench/load/statistics.ts';
import { ReplyReader } from '../../bench/load/reply-reader.ts';
import type { Reply } from '../../bench/load/reply-reader.ts';
import { Tally } from '../../bench/load/tally.ts';

const ONE_TO_HUNDRED = Array.from({ length: 100 }, (_, index) => index + 1);

tap.test('a percentile is a measured value at its nearest rank', async (t) => {
  t.equal(percentile(ONE_TO_HUNDRED, 0.5), 50);
  t.equal(percentile(ONE_TO_HUNDRED, 0.99), 99);
  t.equal(percentile(ONE_TO_HUNDRED, 1), 100);
  t.equal(percentile(ONE_TO_HUNDRED, 0), 1);
  t.equal(percentile([7], 0.5), 7);
  t.equal(percentile([1, 2], 0.5), 1);
  t.equal(percentile([1, 2], 0.51), 2);
});

tap.test('a percentile sorts by number and leaves what it was given as it was', async (t) => {
  const values = [100, 9, 20];
  t.equal(percentile(values, 0.5), 20);
  t.same(values, [100, 9, 20]);
});

tap.test(
  'a percentile of nothing is null, and one that falls on a failure is Infinity',
  async (t) => {
    t.equal(percentile([], 0.5), null);
    t.same(percentiles([]), { p50Ms: null, p99Ms: null });
    t.equal(percentile([1, Infinity, Infinity], 0.5), Infinity);
    t.equal(percentile([1, 2, Infinity], 0.5), 2);
  },
);

tap.test('a duration has a unit that fits it', async (t) => {
  t.equal(durationText(null), 'none');
  t.equal(durationText(Infinity), 'fails');
  t.equal(durationText(0.34), '0.3 ms');
  t.equal(durationText(9.94), '9.9 ms');
  t.equal(durationText(9.96), '10 ms');
  t.equal(durationText(999.4), '999 ms');
  t.equal(durationText(999.6), '1.0 s');
  t.equal(durationText(3912), '3.9 s');
});

tap.test('a share is told only where it says something', async (t) => {
  t.equal(shareText(0, 100), '0');
  t.equal(shareText(80, 160), '80 (50 %)');
  t.equal(shareText(1, 1000), '1 (0.1 %)');
  t.equal(shareText(3, 0), '3');
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

tap.test('replies are read the same whole and byte by byte', async (t) => {
  const bytes = Buffer.from('+HI {"v":2}\r\n+OK\r\n-ERR no\r\n$-1\r\n$5\r\na\r\nbc\r\n:7\r\n');
  const expected: Reply[] = [
    { kind: 'text', text: 'HI {"v":2}' },
    { kind: 'text', text: 'OK' },
    { kind: 'error', text: '-ERR no' },
    { kind: 'bulk', body: null },
    { kind: 'bulk', body: 'a\r\nbc' },
    { kind: 'text', text: '7' },
  ];
  const whole: Reply[] = [];
  new ReplyReader().feed(bytes, (reply) => whole.push(reply));
  t.same(whole, expected);

  const split: Reply[] = [];
  const reader = new ReplyReader();
  const reused = Buffer.alloc(1);
  for (const byte of bytes) {
    reused[0] = byte;
    reader.feed(reused, (reply) => split.push(reply));
  }
  t.same(split, expected);
});

tap.test('a tally counts every text, and names only so many', async (t) => {
  const tally = new Tally();
  for (let index = 0; index < 25; index += 1) tally.add(`text ${index}`);
  tally.add('text 0');
  t.equal(tally.total, 26);
  t.equal(tally.counts()['text 0'], 2);
  t.equal(tally.counts()['(others)'], 5);
  t.equal(Object.keys(tally.counts()).length, 21);
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

tap.test('a wrong argument is named', async (t) => {
  t.throws(() => parseOverloadOptions(['--consumers', '5,x']), /--consumers: "x"/);
  t.throws(() => parseOverloadOptions(['--rate', '0']), /--rate: "0"/);
  t.throws(() => parseOverloadOptions(['--fronts', 'haproxy']), /"haproxy" is none of/);
  t.throws(() => parseOverloadOptions(['--nonsense']), /nonsense/);
});
