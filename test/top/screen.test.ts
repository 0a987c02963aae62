// What top shows of an update, and what its keys do.

import t from 'tap';
import type { State } from '../../src/admin/schemas.ts';
import { bar, cell, count, duration } from '../../src/top/cells.ts';
import { Keys } from '../../src/top/keys.ts';
import { screen, type View } from '../../src/top/screen.ts';
import { fullUpdate, producer, worker } from '../support/full-update.ts';

const ALL: View = { sort: 'worst', filter: '', columns: 200, rows: Infinity };

function texts(...args: Parameters<typeof screen>): string[] {
  return screen(...args).map(({ text }) => text);
}

t.test('the head has now, limit and peak of each limit, and the rows follow', async (t) => {
  const lines = texts(fullUpdate(), ALL);
  t.match(lines[0], /^faktory-bouncer 0\.1\.0 {2}pooled {2}serving {2}Faktory up$/);
  t.match(lines.join('\n'), /^servers +\[#+\.*\] +675 of 900 +peak 700 +kept for producers 90$/m);
  t.match(lines.join('\n'), /^waiting line +\[.*\] +7 of 1000 +peak 20 +oldest 1\.50 s/m);
  t.match(lines.join('\n'), /^WORKERS 1$/m);
  t.match(lines.join('\n'), /^w1 +host-1 +4711 +10 +0 +1\+2 +1234 +1h01 +go$/m);
  t.match(lines.join('\n'), /^10\.0\.0\.9 +3 +0 +1 +99 +5\.00 s$/m);
});

t.test('a full limit is shown as bad, one over four fifths as a warning', async (t) => {
  const update = fullUpdate();
  const toneAt = (now: number): string | undefined => {
    const state = { ...update.state, clients: { ...update.state.clients, now, limit: 10 } };
    return screen({ ...update, state }, ALL)[1]?.tone;
  };
  t.strictSame([7, 8, 9, 10, 11].map(toneAt), ['plain', 'warn', 'warn', 'bad', 'bad']);
});

t.test('a shared limit is shown where there is one', async (t) => {
  const update = fullUpdate();
  const lineOf = (shared: Partial<NonNullable<State['shared_limit']>> | null) => {
    const whole = update.state.shared_limit;
    const shared_limit = shared === null || whole === null ? null : { ...whole, ...shared };
    const lines = screen({ ...update, state: { ...update.state, shared_limit } }, ALL);
    return lines.find(({ text }) => text.startsWith('shared limit'));
  };
  t.strictSame(lineOf({}), {
    tone: 'plain',
    text: 'shared limit  leased  leased 300  usable 300  of 3 bouncers: leased 800  used 600  outside 50  free 47',
  });
  t.strictSame(lineOf({ state: 'fallback', usable: 5, all: null, trouble: 'no\nanswer' }), {
    tone: 'bad',
    text: 'shared limit  fallback  leased 300  usable 5  Redis out of reach: no?answer',
  });
  t.match(lineOf({ lender: 'parent' })?.text, /of 3 processes: leased 800/);
  t.match(lineOf({ lender: 'parent', all: null })?.text, /parent process out of reach$/);
  t.equal(lineOf({ state: 'starting' })?.tone, 'warn');
  t.equal(lineOf(null), undefined);
});

t.test('no line is wider than the terminal, and there are no more than it has rows', async (t) => {
  const workers = Array.from({ length: 100 }, (_, n) => worker({ wid: `w${n}` }));
  const producers = Array.from({ length: 100 }, (_, n) => producer({ address: `10.0.0.${n}` }));
  for (const [columns, rows] of [
    [80, 24],
    [20, 10],
    [300, 100],
    [1, 1],
  ] as const) {
    const lines = texts(fullUpdate(workers, producers), { ...ALL, columns, rows });
    t.ok(lines.length <= rows, `${lines.length} of ${rows} rows`);
    for (const text of lines) t.ok(text.length <= columns);
  }
  const lines = texts(fullUpdate(workers, producers), { ...ALL, rows: 40 });
  t.equal(lines.length, 40);
  t.match(lines.join('\n'), /^WORKERS 100 {2}\d+ not shown$/m);
  t.match(lines.join('\n'), /^PRODUCERS 100 {2}\d+ not shown$/m);
});

t.test('what a client chose cannot move the cursor', async (t) => {
  const hostile = '\u001b[2J\u009b31m\r\n\u0007\u202e中';
  const rows = [worker({ wid: hostile, host: hostile, labels: [hostile] })];
  const lines = texts(fullUpdate(rows, [producer({ address: hostile })]), ALL);
  // oxlint-disable-next-line no-control-regex -- control characters are what must not be there
  for (const text of lines) t.match(text, /^[\x20-\x7e]*$/);
  t.ok(lines.some((text) => text.includes('?[2J?31m')));
});

t.test('rows are filtered and sorted', async (t) => {
  const rows = [
    worker({ wid: 'a', connections: 1, commands: 5, connected_seconds: 100 }),
    worker({ wid: 'b', connections: 9, commands: 1, connected_seconds: 50, labels: ['Blue'] }),
    worker({ wid: 'c', connections: 5, commands: 9, connected_seconds: 1 }),
  ];
  const order = (view: Partial<View>): string =>
    texts(fullUpdate(rows), { ...ALL, ...view })
      .map((text) => /^([abc]) /.exec(text)?.[1] ?? '')
      .join('');
  t.equal(order({}), 'abc');
  t.equal(order({ sort: 'connections' }), 'bca');
  t.equal(order({ sort: 'commands' }), 'cab');
  t.equal(order({ sort: 'newest' }), 'cba');
  t.equal(order({ filter: 'blue' }), 'b');
});

t.test('numbers are short', async (t) => {
  t.strictSame([0, 99_999, 100_000, 1_234_567, 5e9].map(count), [
    '0',
    '99999',
    '100k',
    '1.23M',
    '5.00G',
  ]);
  t.strictSame([0, 0.254, 59.9, 60, 3600, 90_000].map(duration), [
    '0 s',
    '0.25 s',
    '59 s',
    '1m00',
    '1h00',
    '1d01',
  ]);
  t.strictSame(
    [0, 0.01, 0.5, 1, 2].map((share) => bar(share, 4)),
    ['[....]', '[#...]', '[##..]', '[####]', '[####]'],
  );
  t.equal(cell('abcdef', 4), 'ab~ ');
  t.equal(cell('abc', 4), 'abc ');
});

t.test('q quits, s sorts, / filters until Enter or Escape', async (t) => {
  const keys = new Keys();
  t.equal(keys.press('s'), 'changed');
  t.equal(keys.view.sort, 'connections');
  for (const key of ['/', 'q', 's', 'x', '\u007f', '\u001b[A', '\r']) {
    t.equal(keys.press(key), 'changed', JSON.stringify(key));
  }
  t.equal(keys.view.filter, 'qs');
  t.match(keys.prompt, /filter: qs$/);
  for (const key of ['/', 'x'.repeat(1000)]) keys.press(key);
  t.equal(keys.view.filter.length, 60);
  keys.press('\u001b');
  t.equal(keys.view.filter, '');
  for (const _ of ['commands', 'newest', 'worst']) keys.press('s');
  t.equal(keys.view.sort, 'worst');
  t.equal(keys.press('q'), 'quit');
  t.equal(keys.press('\u0003'), 'quit');
});
