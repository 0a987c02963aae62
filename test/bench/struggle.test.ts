// The struggle benchmark's pure parts: its options, its ledger and its table.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tap from 'tap';
import { isStored, jidText, lostOf, readLedger, twiceIn } from '../../bench/struggle/account.ts';
import type { Stored } from '../../bench/struggle/account.ts';
import type { Scenario } from '../../bench/struggle/scenario.ts';
import { progressText, struggleReport } from '../../bench/struggle/struggle-report.ts';
import {
  parseStruggleOptions,
  SCENARIOS,
  STRUGGLE_HELP,
} from '../../bench/struggle/struggle-options.ts';
import { UsageError } from '../../bench/usage-error.ts';

tap.test('the struggle command line has the defaults that its help names', async (t) => {
  const options = parseStruggleOptions([]);
  t.same(options.only, SCENARIOS);
  t.same(options.fronts, ['direct', 'session', 'pooled']);
  t.same(options.settings, {});
  t.match(STRUGGLE_HELP, `(${options.seconds})`);
  t.match(STRUGGLE_HELP, `(${options.producers})`);
  t.match(STRUGGLE_HELP, `(${options.delaysMs.join(',')})`);
  for (const name of SCENARIOS) t.match(STRUGGLE_HELP, name);
});

tap.test('an option of the bouncer goes where its key says, read as YAML', async (t) => {
  const { settings } = parseStruggleOptions([
    '--set',
    'pool.bulk_push=true',
    '--set',
    'pool.command_connections=4',
    '--set',
    'drain_timeout=5s',
  ]);
  t.same(settings, { pool: { bulk_push: true, command_connections: 4 }, drain_timeout: '5s' });
});

tap.test('a wrong argument of struggle is wrong usage, and is named', async (t) => {
  for (const [args, text] of [
    [['--only', 'slow'], /--only: "slow" is not one of slow-push,/],
    [['--fronts', 'haproxy'], /--fronts: "haproxy" is not one of direct,/],
    [['--delays', '10,x'], /--delays: "x"/],
    [['--set', 'x'], /--set: "x" is not KEY=VALUE/],
  ] as const) {
    try {
      parseStruggleOptions(args);
      t.fail(`${args.join(' ')} was taken`);
    } catch (error) {
      t.ok(error instanceof UsageError);
      t.match(String(error), text);
    }
  }
});

tap.test('the ledger of the generator is read by command', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'ledger-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const file = join(folder, 'ledger');
  await writeFile(file, 'P 7 1764156000000500 2500\nF 8 1 1\nA 8 2 2\nB 0 3 3\nP 9 1 1\n');
  const ledger = await readLedger(file);
  t.same(ledger.pushes[0], { jid: 7, at: 1764156000000.5, tookMs: 2.5 });
  t.same(
    [ledger.pushes.length, ledger.fetches.length, ledger.acks.length, ledger.beats.length],
    [2, 1, 1, 1],
  );
});

const STORED: Stored = {
  queued: new Map([
    [1, 1],
    [2, 2],
  ]),
  retries: new Map([[3, 1]]),
  dead: new Map([[4, 1]]),
  working: new Map([[5, 1]]),
};

tap.test(
  'a job is lost when it is nowhere, and stored twice when a queue has it twice',
  async (t) => {
    const pushes = [1, 2, 3, 4, 5, 6].map((jid) => ({ jid, at: 0, tookMs: 0 }));
    t.same(
      lostOf(pushes, STORED).map(({ jid }) => jid),
      [6],
    );
    t.equal(isStored(STORED, 6), false);
    t.equal(twiceIn(STORED.queued), 1);
  },
);

tap.test('a jid has sixteen digits, as the generator writes it', async (t) => {
  t.equal(jidText(7), '0000000000000007');
});

tap.test(
  'the table compares with direct within its case, and lists what clients read',
  async (t) => {
    const scenario: Scenario = {
      name: 'slow-push',
      about: 'About it.',
      columns: [
        { title: 'PUSH/s', unit: 'count', ratioTo: ['direct'] },
        { title: 'lost, by second', unit: 'list' },
      ],
      withRedisUrl: false,
      without: [],
      cases: () => [],
    };
    const row = (caseText: string, front: string, perSecond: number) => ({
      scenario: 'slow-push' as const,
      caseText,
      front,
      outcome: {
        figures: { 'PUSH/s': perSecond, 'lost, by second': [3, 0] },
        notes: front === 'pooled' ? ['4 times `-ERR no`'] : [],
      },
    });
    const rows = [
      row('a', 'direct', 200),
      row('a', 'pooled', 100),
      row('b', 'direct', 50),
      row('b', 'pooled', 100),
    ];
    const text = struggleReport('A machine', [scenario], rows);
    t.match(text, /\| a +\| pooled +\| +100 \| +0\.50 \| 3 0/);
    t.match(text, /\| b +\| pooled +\| +100 \| +2\.00 \| 3 0/);
    t.match(text, '- a, pooled: 4 times `-ERR no`');
    const [first] = rows;
    t.equal(first && progressText(first, scenario.columns), 'PUSH/s 200, lost, by second 3 0');
  },
);
