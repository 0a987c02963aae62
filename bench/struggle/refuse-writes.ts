// Redis answers, but refuses every write for a while, under producers that push at a steady pace.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Outcome } from '../harness/figures.ts';
import { lostOf } from '../harness/ledger.ts';
import { crowdNotes, PUSH_COLUMNS, pushValues } from '../harness/push-outcome.ts';
import type { Stage } from '../harness/stage.ts';
import { REFUSALS, refuseWrites } from '../harness/trouble.ts';
import type { Refusal } from '../harness/trouble.ts';
import type { Scenario } from './scenario.ts';
import type { StruggleOptions } from './struggle-options.ts';

/** So many that some are free for the pace while others wait for an answer. */
const PRODUCERS = 500;
const JOBS_PER_SECOND = 500;
const HEALTHY_MS = 2000;
const AFTER_MS = 6000;

export function refusedWrites({ stops }: StruggleOptions): Scenario {
  return {
    name: 'refuse-writes',
    about: `${PRODUCERS} producers PUSH ${JOBS_PER_SECOND} jobs/s in all; Redis refuses writes for a while.`,
    columns: [...PUSH_COLUMNS, { figure: 'lostBySecond' }],
    withRedisUrl: true,
    cases: REFUSALS.flatMap((by) =>
      (stops ?? [3, 10]).map((seconds) => ({
        text: `${by}, ${seconds} s`,
        measure: (stage) => refusing(stage, by, seconds),
      })),
    ),
  };
}

async function refusing(stage: Stage, by: Refusal, seconds: number): Promise<Outcome> {
  const { crowd, ready } = await stage.crowd({
    producers: PRODUCERS,
    rate: JOBS_PER_SECOND,
    ledger: stage.ledgerFile,
  });
  crowd.order('go');
  await sleep(HEALTHY_MS);
  const refusedAt = Date.now();
  const accept = await refuseWrites(stage.redis, by);
  await sleep(seconds * 1000);
  await accept();
  await sleep(AFTER_MS);
  crowd.order('stop');
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
    values: pushValues(report, ledger, stored),
    texts: { lostBySecond: bySecond.join(' ') },
    notes: crowdNotes('clients', report, PRODUCERS, ready),
  };
}
