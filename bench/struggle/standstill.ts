// Scenarios in which Redis or Faktory is stopped (SIGSTOP) under producers that do not pause.

import { setTimeout as sleep } from 'node:timers/promises';
import { isStored, lostOf } from './account.ts';
import { notesOf, PUSH_COLUMNS, pushFigures } from './scenario.ts';
import type { Case, Column, Outcome, Scenario } from './scenario.ts';
import type { Stage } from './stage.ts';
import { stopProcess } from './trouble.ts';

const PRODUCERS = 600;
const HEALTHY_MS = 2000;
/** Long enough for what a real client waits for an answer. */
const AFTER_MS = 6000;

const COLUMNS: readonly Column[] = [
  ...PUSH_COLUMNS,
  { title: 'before the stop, PUSH/s', unit: 'count', ratioTo: ['direct'] },
  { title: 'first stored PUSH after it', unit: 's', ratioTo: ['direct'] },
];

export const STOP_REDIS: Scenario = {
  name: 'stop-redis',
  about: `${PRODUCERS} producers PUSH as fast as they are answered; Redis is stopped for a while.`,
  columns: COLUMNS,
  withRedisUrl: true,
  without: [],
  cases: ({ stops }) => (stops ?? [4, 6, 10]).map(stopCase('Redis', (stage) => stage.redisPid)),
};

export const STOP_FAKTORY: Scenario = {
  name: 'stop-faktory',
  about: `${PRODUCERS} producers PUSH as fast as they are answered; Faktory is stopped for a while.`,
  columns: COLUMNS,
  withRedisUrl: false,
  without: [],
  cases: ({ stops }) =>
    (stops ?? [3, 10, 30]).map(stopCase('Faktory', (stage) => stage.faktoryPid)),
};

function stopCase(who: string, pidOf: (stage: Stage) => number): (seconds: number) => Case {
  return (seconds) => ({
    text: `${who} stopped for ${seconds} s`,
    run: (stage) => standstill(stage, pidOf(stage), seconds),
  });
}

async function standstill(stage: Stage, pid: number, seconds: number): Promise<Outcome> {
  const { crowd, ready } = await stage.crowd({ clients: PRODUCERS });
  const beganAt = Date.now();
  crowd.go();
  await sleep(HEALTHY_MS);
  const stoppedAt = Date.now();
  await stopProcess(pid, seconds);
  const wentOnAt = Date.now();
  await sleep(AFTER_MS);
  crowd.stop();
  await crowd.report('stopped');
  const report = await crowd.report('done');
  const ledger = await stage.ledger();
  const stored = await stage.stored((found) => lostOf(ledger.pushes, found).length === 0);
  const before = ledger.pushes.filter(({ at }) => at < stoppedAt).length;
  const again = ledger.pushes.find(({ jid, at }) => at >= wentOnAt && isStored(stored, jid));
  return {
    figures: {
      ...pushFigures(ledger, stored, report),
      'before the stop, PUSH/s': before / ((stoppedAt - beganAt) / 1000),
      'first stored PUSH after it': again === undefined ? null : (again.at - wentOnAt) / 1000,
    },
    notes: notesOf(report, PRODUCERS, ready),
  };
}
