// The bouncer is told to stop while FETCHes are at Faktory, and jobs come at once.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Outcome } from '../harness/figures.ts';
import { isStored } from '../harness/ledger.ts';
import { crowdNotes } from '../harness/push-outcome.ts';
import type { Stage } from '../harness/stage.ts';
import type { Scenario } from './scenario.ts';

const CONSUMERS = 100;
/** Until all FETCHes have reached Faktory, which keeps each for 2 s. */
const FETCHES_SENT_MS = 500;
/** Until the bouncer has taken notice of the signal. */
const SIGNAL_TAKEN_MS = 200;
const RETRIES = [0, 25];

export function drain(): Scenario {
  return {
    name: 'drain',
    about: `SIGTERM of the bouncer with ${CONSUMERS} FETCHes at Faktory, a worker each; then ${CONSUMERS} jobs are pushed past it.`,
    columns: [
      { figure: 'delivered' },
      { figure: 'acknowledged' },
      { figure: 'queued' },
      { figure: 'givenBack' },
      { figure: 'neverRead' },
      { figure: 'discarded' },
      { figure: 'drainMs' },
    ],
    without: 'direct',
    cases: RETRIES.map((retry) => ({
      text: `jobs with retry ${retry}`,
      measure: (stage) => drained(stage, retry),
    })),
  };
}

async function drained(stage: Stage, retry: number): Promise<Outcome> {
  const { crowd, ready } = await stage.crowd({
    consumers: CONSUMERS,
    'per-worker': 1,
    ledger: stage.ledgerFile,
    // No client dials again: the bouncer is gone.
    'retry-delay': '1h',
  });
  crowd.order('go');
  await sleep(FETCHES_SENT_MS);
  const jids = Array.from({ length: CONSUMERS }, (_, index) => index + 1);
  const signalledAt = performance.now();
  const draining = stage.proxy?.drain();
  await sleep(SIGNAL_TAKEN_MS);
  await stage.fill(jids, retry);
  await draining;
  const drainMs = performance.now() - signalledAt;
  crowd.order('stop');
  await crowd.report('stopped');
  const report = await crowd.report('done');
  const ledger = await stage.ledger();
  const delivered = new Set(ledger.fetches.map(({ jid }) => jid));
  const stored = await stage.stored((found) =>
    jids.every((jid) => delivered.has(jid) || isStored(found, jid)),
  );
  const count = (holds: (jid: number) => boolean): number => jids.filter(holds).length;
  return {
    values: {
      delivered: delivered.size,
      acknowledged: ledger.acks.length,
      queued: count((jid) => stored.queued.has(jid)),
      givenBack: count((jid) => stored.retries.has(jid) || stored.dead.has(jid)),
      neverRead: count((jid) => stored.working.has(jid) && !delivered.has(jid)),
      discarded: count((jid) => !delivered.has(jid) && !isStored(stored, jid)),
      drainMs,
    },
    notes: crowdNotes('clients', report, CONSUMERS, ready),
  };
}
