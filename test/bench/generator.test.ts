// The load generator against a Faktory that misbehaves: what its reports and its ledger promise.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tap from 'tap';
import type { Test } from 'tap';
import { buildGenerator, Crowd } from '../../bench/harness/generator.ts';
import type { CrowdFlags, CrowdReport } from '../../bench/harness/generator.ts';
import { jidText, readLedger } from '../../bench/harness/ledger.ts';
import type { LedgerEntry } from '../../bench/harness/ledger.ts';
import { findProgram, skipOrFail } from '../support/find-faktory.ts';
import { StandInFaktory } from '../support/stand-in-faktory.ts';
import { closeBefore, instead, split } from '../support/toxics.ts';
import { HANGS_MS } from '../support/waiting.ts';

const QUEUE = 'bench';

async function open(t: Test, flags: CrowdFlags) {
  const faktory = await StandInFaktory.start({ fetchBlockMs: 20, handshakeMs: HANGS_MS });
  t.teardown(() => faktory.stop());
  const folder = await mkdtemp(join(tmpdir(), 'generator-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const ledgerFile = join(folder, 'ledger');
  const crowd = new Crowd(faktory, { ledger: ledgerFile, 'retry-delay': '1ms', ...flags });
  t.teardown(() => crowd.kill());
  await crowd.report('ready');
  return { faktory, crowd, ledger: () => readLedger(ledgerFile) };
}

function jids(entries: readonly LedgerEntry[]): readonly string[] {
  return entries.map(({ jid }) => jidText(jid)).sort();
}

if (findProgram('go') === undefined) {
  skipOrFail(tap, 'Cannot build the load generator: found no go on PATH');
} else {
  buildGenerator();

  tap.test('the ledger has the jobs that were acknowledged, and no other', async (t) => {
    const { faktory, crowd, ledger } = await open(t, { producers: 20, once: true });
    faktory.inject(split);
    for (const connection of [1, 2, 3]) {
      faktory.inject(instead('-ERR no room for job 1234567\r\n'), { on: 'PUSH', connection });
    }
    for (const connection of [4, 5]) faktory.inject(closeBefore, { on: 'PUSH', connection });
    crowd.order('go');
    crowd.order('stop');
    await crowd.report('stopped');
    const report = await crowd.report('done');
    const { sent, acknowledged, failed, pushesCutOff, silent } = report;
    t.same([sent, acknowledged, failed, pushesCutOff, silent], [20, 15, 3, 2, 0]);
    t.same(report.errors, { '-ERR no room for job N': 3 });
    const { pushes } = await ledger();
    t.equal(pushes.length, 15);
    const stored = new Set(faktory.jobs.queued(QUEUE).map(({ jid }) => jid));
    t.ok(jids(pushes).every((jid) => stored.has(jid)));
  });

  tap.test('a producer goes on after an error and after a lost connection', async (t) => {
    const { faktory, crowd, ledger } = await open(t, { producers: 1 });
    const reached = async (holds: (report: CrowdReport) => boolean): Promise<void> => {
      while (!holds(await crowd.status()));
    };
    faktory.inject(instead('-ERR no\r\n'), { on: 'PUSH', times: 1 });
    crowd.order('go');
    await reached(({ acknowledged }) => acknowledged > 0);
    faktory.inject(closeBefore, { on: 'PUSH', times: 1 });
    await reached(({ pushesCutOff }) => pushesCutOff > 0);
    const { acknowledged: before } = await crowd.status();
    await reached(({ acknowledged }) => acknowledged > before);
    crowd.order('stop');
    await crowd.report('stopped');
    const report = await crowd.report('done');
    t.equal(report.failed, 1);
    t.equal(report.pushesCutOff, 1);
    const { pushes } = await ledger();
    t.equal(new Set(jids(pushes)).size, report.acknowledged);
    // The first was stored too, but its producer read an error.
    const [, ...stored] = faktory.jobs.queued(QUEUE).map(({ jid }) => jid);
    t.same(jids(pushes), stored);
  });

  tap.test('consumers fetch, acknowledge and BEAT until so many jobs are done', async (t) => {
    const { faktory, crowd, ledger } = await open(t, {
      consumers: 3,
      'per-worker': 3,
      'beat-every': '1ms',
      jobs: 10,
    });
    const wanted = Array.from({ length: 10 }, (_, index) => jidText(index + 1));
    for (const jid of wanted) {
      faktory.jobs.push({
        jid,
        queue: QUEUE,
        jobtype: 'Bench',
        args: [],
        created_at: '',
        enqueued_at: '',
        retry: 25,
      });
    }
    crowd.order('go');
    await crowd.report('stopped');
    const report = await crowd.report('done');
    t.same([report.fetched, report.acked], [10, 10]);
    for (const command of ['fetch', 'ack', 'beat', 'job'] as const) {
      t.ok(report.latencyMs[command] !== undefined, command);
    }
    const { fetches, acks } = await ledger();
    t.same([jids(fetches), jids(acks)], [wanted, wanted]);
    t.equal(faktory.lines('BEAT').length > 0, true);
  });

  tap.test('a crowd that is dismissed leaves without a command', async (t) => {
    const { faktory, crowd } = await open(t, { producers: 2, consumers: 2 });
    crowd.order('leave');
    const report = await crowd.report('done');
    t.equal(report.sent, 0);
    t.same([faktory.lines('PUSH'), faktory.lines('FETCH')], [[], []]);
    t.equal(faktory.lines('END').length, 4);
  });
}
