// Scenarios in which Redis or Faktory is stopped (SIGSTOP) under producers that do not pause.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Outcome } from '../harness/figures.ts';
import type { Case, Column } from '../harness/groups.ts';
import { isStored, lostOf } from '../harness/ledger.ts';
import { crowdNotes, PUSH_COLUMNS, pushValues } from '../harness/push-outcome.ts';
import type { Stage } from '../harness/stage.ts';
import { stopProcess } from '../harness/trouble.ts';
import type { Scenario } from './scenario.ts';
import type { StruggleOptions } from './struggle-options.ts';

const PRODUCERS = 600;
const HEALTHY_MS = 2000;
/** Longer than real clients wait for an answer. */
const AFTER_MS = 6000;

const COLUMNS: readonly Column[] = [
  ...PUSH_COLUMNS,
  { figure: 'beforePerSecond', ratioTo: ['direct'] },
  { figure: 'againMs', ratioTo: ['direct'] },
];

export function stopRedis({ stops }: StruggleOptions): Scenario {
  return {
    name: 'stop-redis',
    about: `${PRODUCERS} producers PUSH as fast as they are answered; Redis is stopped for a while.`,
    columns: COLUMNS,
    withRedisUrl: true,
    cases: (stops ?? [4, 6, 10]).map(stopCase('Redis', (stage) => stage.redisPid)),
  };
}

export function stopFaktory({ stops }: StruggleOptions): Scenario {
  return {
    name: 'stop-faktory',
    about: `${PRODUCERS} producers PUSH as fast as they are answered; Faktory is stopped for a while.`,
    columns: COLUMNS,
    cases: (stops ?? [3, 10, 30]).map(stopCase('Faktory', (stage) => stage.faktoryPid)),
  };
}

function stopCase(who: string, pidOf: (stage: Stage) => number): (seconds: number) => Case {
  return (seconds) => ({
    text: `${who} stopped for ${seconds} s`,
    measure: (stage) => standstill(stage, pidOf(stage), seconds),
  });
}

async function standstill(stage: Stage, pid: number, seconds: number): Promise<Outcome> {
  const { crowd, ready } = await stage.crowd({ producers: PRODUCERS, ledger: stage.ledgerFile });
  const beganAt = Date.now();
  crowd.order('go');
  await sleep(HEALTHY_MS);
  const stoppedAt = Date.now();
  await stopProcess(pid, seconds);
  const wentOnAt = Date.now();
  await sleep(AFTER_MS);
  crowd.order('stop');
  await crowd.report('stopped');
  const report = await crowd.report('done');
  const ledger = await stage.ledger();
  const stored = await stage.stored((found) => lostOf(ledger.pushes, found).length === 0);
  const before = ledger.pushes.filter(({ at }) => at < stoppedAt).length;
  const again = ledger.pushes.find(({ jid, at }) => at >= wentOnAt && isStored(stored, jid));
  return {
    values: {
      ...pushValues(report, ledger, stored),
      beforePerSecond: (before / (stoppedAt - beganAt)) * 1000,
      ...(again !== undefined && { againMs: again.at - wentOnAt }),
    },
    notes: crowdNotes('clients', report, PRODUCERS, ready),
  };
}
