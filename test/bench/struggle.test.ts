// The struggle benchmark: its options, and the ledger that its verdicts rest on.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tap from 'tap';
import { UsageError } from '../../bench/harness/arguments.ts';
import { isStored, jidText, lostOf, readLedger, twiceIn } from '../../bench/harness/ledger.ts';
import type { Stored } from '../../bench/harness/ledger.ts';
import { scenarioGroup } from '../../bench/struggle/scenario.ts';
import { slowFaktory } from '../../bench/struggle/slow-faktory.ts';
import { stopRedis } from '../../bench/struggle/standstill.ts';
import {
  parseStruggleOptions,
  SCENARIOS,
  STRUGGLE_HELP,
} from '../../bench/struggle/struggle-options.ts';

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

tap.test('where Redis matters the bouncer is measured with redis.url too', async (t) => {
  const options = parseStruggleOptions(['--stops', '6', '--bouncer', '/old']);
  const { fronts, cases } = scenarioGroup(stopRedis(options), options);
  t.same(
    fronts.map(({ name }) => name),
    ['direct', 'session', 'session, redis.url', 'pooled', 'pooled, redis.url'],
  );
  t.same(
    fronts.map(({ checkout }) => checkout),
    ['/old', '/old', '/old', '/old', '/old'],
  );
  t.same(
    cases.map(({ text }) => text),
    ['Redis stopped for 6 s'],
  );
});

tap.test('where the limits matter the bouncer is measured with limits.adaptive too', async (t) => {
  const options = parseStruggleOptions(['--stops', '5', '--set', 'limits.adaptive_min=4']);
  const { fronts, cases } = scenarioGroup(slowFaktory(options), options);
  t.same(
    fronts.map(({ name, settings }) => [name, settings?.['limits']]),
    [
      ['direct', { adaptive_min: 4 }],
      ['session', { adaptive_min: 4 }],
      ['session, adaptive', { adaptive_min: 4, adaptive: true }],
      ['pooled', { adaptive_min: 4 }],
      ['pooled, adaptive', { adaptive_min: 4, adaptive: true }],
    ],
  );
  t.same(
    cases.map(({ text }) => text),
    ['slowed for 5 s'],
  );
});

tap.test('the ledger of the generator is read by command', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'ledger-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const file = join(folder, 'ledger');
  await writeFile(file, 'P 7 1764156000000500 2500\nF 8 1 1\nA 8 2 2\nB 0 3 3\nP 9 1 1\n');
  const ledger = await readLedger(file);
  t.same(ledger.pushes[0], { jid: 7, at: 1764156000000.5 });
  t.same([ledger.pushes.length, ledger.fetches.length, ledger.acks.length], [2, 1, 1]);
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
    const pushes = [1, 2, 3, 4, 5, 6].map((jid) => ({ jid, at: 0 }));
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
