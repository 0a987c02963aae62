// Units and the open files check at their boundaries.

import t from 'tap';

import {
  openFilesProblem,
  parseOpenFilesMax,
  readOpenFilesMax,
} from '../../src/config/open-files.ts';
import { nearest } from '../../src/config/suggest.ts';
import {
  formatAddress,
  formatDuration,
  formatPortRange,
  formatSize,
  parseAddress,
  parseDuration,
  parsePortRange,
  parseSize,
} from '../../src/config/units.ts';

t.test('durations read, and format as what reads back', (t) => {
  for (const [text, durationMs, formatted] of [
    ['250ms', 250, '250ms'],
    ['1500ms', 1500, '1500ms'],
    ['120s', 120_000, '2m'],
    ['1h', 3_600_000, '1h'],
    ['0ms', 0, '0s'],
  ] as const) {
    t.equal(parseDuration(text), durationMs);
    t.equal(formatDuration(durationMs), formatted);
    t.equal(parseDuration(formatted), durationMs);
  }
  for (const wrong of [
    '',
    '5',
    '5 s',
    '1.5s',
    '-1s',
    '5S',
    '1d',
    's',
    '1s2ms',
    '9'.repeat(13) + 's',
  ]) {
    t.equal(parseDuration(wrong), null, wrong);
  }
  t.end();
});

t.test('sizes read, and format as what reads back', (t) => {
  for (const [text, bytes, formatted] of [
    ['100B', 100, '100B'],
    ['64KiB', 65_536, '64KiB'],
    ['1024MiB', 2 ** 30, '1GiB'],
    ['5kB', 5000, '5kB'],
    ['3MB', 3_000_000, '3MB'],
    ['0GB', 0, '0B'],
  ] as const) {
    t.equal(parseSize(text), bytes);
    t.equal(formatSize(bytes), formatted);
    t.equal(parseSize(formatted), bytes);
  }
  for (const wrong of ['', '5', '5KB', '5kib', '5M', '5 MiB', '0x5B'])
    t.equal(parseSize(wrong), null, wrong);
  t.end();
});

t.test('addresses read, and format as what reads back', (t) => {
  for (const [text, host, port] of [
    ['127.0.0.1:7519', '127.0.0.1', 7519],
    ['[::1]:0', '::1', 0],
    ['faktory-0.faktory:65535', 'faktory-0.faktory', 65_535],
  ] as const) {
    t.strictSame(parseAddress(text), { host, port });
    t.equal(formatAddress({ host, port }), text);
  }
  for (const wrong of [
    '',
    '7519',
    ':7519',
    'h',
    'h:',
    'h:65536',
    '::1:5',
    '[h]:5',
    '1.2.3:5',
    'a b:5',
  ]) {
    t.equal(parseAddress(wrong), null, wrong);
  }
  t.end();
});

t.test('the limits fit into the open files, or both numbers are named', (t) => {
  const limits = { clients: 100, serverConnections: 36 } as Parameters<typeof openFilesProblem>[0];
  t.equal(openFilesProblem(limits, 1264), null);
  const problem = openFilesProblem(limits, 1263);
  t.match(
    problem,
    /^Cannot hold 1264 open files .*may open 1263\. .*ulimit -n 1264.*LimitNOFILE=1264/,
  );
  t.equal(openFilesProblem(limits, null), null, 'where the system does not say');
  t.equal(parseOpenFilesMax('Max open files            1024      4096   files\n'), 1024);
  t.equal(parseOpenFilesMax('Max open files            unlimited unlimited files\n'), null);
  t.equal(parseOpenFilesMax(''), null);
  const actual = readOpenFilesMax();
  t.ok(actual === null || actual > 0);
  t.end();
});

t.test('a suggestion is near, or none', (t) => {
  const known = ['clients', 'handshakes', 'per_worker'];
  t.equal(nearest('cleints', known), 'clients');
  t.equal(nearest('Per-Worker', known), 'per_worker');
  t.equal(nearest('zzzzzz', known), null);
  t.equal(nearest('c'.repeat(100_000), known), null);
  t.end();
});

t.test('port ranges read, and format as what reads back', (t) => {
  for (const text of ['1-65535', '40000-49999', '5-5']) {
    t.equal(formatPortRange(parsePortRange(text) ?? null), text);
  }
  t.equal(formatPortRange(null), '');
  for (const wrong of ['', '5', '0-5', '5-4', '1-65536', '1 - 2', '-5', '5-', 'a-b']) {
    t.equal(parsePortRange(wrong), undefined, wrong);
  }
  t.end();
});
