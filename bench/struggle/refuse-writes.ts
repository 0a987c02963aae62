// Redis answers, but refuses every write for a while, under producers that push at a steady pace.

import { setTimeout as sleep } from 'node:timers/promises';
import { lostOf } from './account.ts';
import { notesOf, PUSH_COLUMNS, pushFigures } from './scenario.ts';
import type { Outcome, Scenario } from './scenario.ts';
import type { Stage } from './stage.ts';
import { REFUSALS, refuseWrites } from './trouble.ts';
import type { Refusal } from './trouble.ts';

/** So many that some are free for the pace while others wait for an answer. */
const PRODUCERS = 500;
const JOBS_PER_SECOND = 500;
const HEALTHY_MS = 2000;
const AFTER_MS = 6000;

export const REFUSE_WRITES: Scenario = {
  name: 'refuse-writes',
  about: `${PRODUCERS} producers PUSH ${JOBS_PER_SECOND} jobs/s in all; Redis refuses writes for a while.`,
  columns: [...PUSH_COLUMNS, { title: 'lost, by second of the refusal', unit: 'list' }],
  withRedisUrl: true,
  without: [],
  cases: ({ stops }) =>
    REFUSALS.flatMap((by) =>
      (stops ?? [3, 10]).map((seconds) => ({
        text: `${by}, ${seconds} s`,
        run: (stage: Stage) => refusing(stage, by, seconds),
      })),
    ),
};

async function refusing(stage: Stage, by: Refusal, seconds: number): Promise<Outcome> {
  const { crowd, ready } = await stage.crowd({ clients: PRODUCERS, rate: JOBS_PER_SECOND });
  crowd.go();
  await sleep(HEALTHY_MS);
  const refusedAt = Date.now();
  const accept = await refuseWrites(stage.redis, by);
  await sleep(seconds * 1000);
  await accept();
  await sleep(AFTER_MS);
  crowd.stop();
  await crowd.report('stopped');
  const report = await crowd.report('done');
  const ledger = await stage.ledger();
  const stored = await stage.stored((found) => lostOf(ledger.pushes, found).length === 0);
  const bySecond = Array.from({ length: seconds }, () => 0);
  for (const { at } of lostOf(ledger.pushes, stored)) {
    const second = Math.max(0, Math.floor((at - refusedAt) / 1000));
    bySecond[second] = (bySecond[second] ?? 0) + 1;
  }
  return {
    figures: {
      ...pushFigures(ledger, stored, report),
      'lost, by second of the refusal': bySecond,
    },
    notes: notesOf(report, PRODUCERS, ready),
  };
}
