// The bouncer is told to stop while FETCHes are at Faktory, and jobs come at once.

import { setTimeout as sleep } from 'node:timers/promises';
import { isStored } from './account.ts';
import { notesOf } from './scenario.ts';
import type { Outcome, Scenario } from './scenario.ts';
import { WORK_QUEUE } from './stage.ts';
import type { Stage } from './stage.ts';

const CONSUMERS = 100;
const FIRST_JID = 8_000_000_000_000_000;
/** Until all FETCHes have reached Faktory, which keeps each for 2 s. */
const FETCHES_SENT_MS = 500;
/** Until the bouncer has taken notice of the signal. */
const SIGNAL_TAKEN_MS = 200;
const RETRIES = [0, 25] as const;

export const DRAIN: Scenario = {
  name: 'drain',
  about: `SIGTERM of the bouncer with ${CONSUMERS} FETCHes at Faktory, a worker each; then ${CONSUMERS} jobs are pushed past it.`,
  columns: [
    { title: 'delivered', unit: 'count' },
    { title: 'acknowledged', unit: 'count' },
    { title: 'still queued', unit: 'count' },
    { title: 'given back', unit: 'count' },
    { title: 'reserved, never read', unit: 'count' },
    { title: 'discarded', unit: 'count' },
    { title: 'drain took', unit: 's' },
  ],
  withRedisUrl: false,
  without: ['direct'],
  cases: () =>
    RETRIES.map((retry) => ({
      text: `jobs with retry ${retry}`,
      run: (stage) => drained(stage, retry),
    })),
};

async function drained(stage: Stage, retry: number): Promise<Outcome> {
  const { crowd, ready } = await stage.crowd({
    clients: 0,
    consumers: CONSUMERS,
    'per-worker': 1,
    // Nobody comes back: the bouncer is gone.
    'retry-delay': '1h',
  });
  crowd.go();
  await sleep(FETCHES_SENT_MS);
  const jids = Array.from({ length: CONSUMERS }, (_, at) => FIRST_JID + at);
  const signalledAt = performance.now();
  const draining = stage.bouncer?.drain();
  await sleep(SIGNAL_TAKEN_MS);
  await stage.fill(WORK_QUEUE, jids, retry);
  await draining;
  const seconds = (performance.now() - signalledAt) / 1000;
  crowd.stop();
  await crowd.report('stopped');
  const report = await crowd.report('done');
  const ledger = await stage.ledger();
  const delivered = new Set(ledger.fetches.map(({ jid }) => jid));
  const stored = await stage.stored((found) =>
    jids.every((jid) => delivered.has(jid) || isStored(found, jid)),
  );
  const count = (holds: (jid: number) => boolean): number => jids.filter(holds).length;
  return {
    figures: {
      delivered: delivered.size,
      acknowledged: ledger.acks.length,
      'still queued': count((jid) => stored.queued.has(jid)),
      'given back': count((jid) => stored.retries.has(jid) || stored.dead.has(jid)),
      'reserved, never read': count((jid) => stored.working.has(jid) && !delivered.has(jid)),
      discarded: count((jid) => !delivered.has(jid) && !isStored(stored, jid)),
      'drain took': seconds,
    },
    notes: notesOf(report, CONSUMERS, ready),
  };
}
