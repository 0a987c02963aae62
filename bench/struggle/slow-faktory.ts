// Faktory is slowed to a tenth by pulses of SIGSTOP, under consumers that FETCH and ACK without pause and
// producers that push at a steady pace.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Outcome } from '../harness/figures.ts';
import type { Crowd } from '../harness/generator.ts';
import { crowdNotes } from '../harness/push-outcome.ts';
import type { Stage } from '../harness/stage.ts';
import { slowedToATenth } from '../harness/trouble.ts';
import type { Scenario } from './scenario.ts';
import type { StruggleOptions } from './struggle-options.ts';

const CONSUMERS = 600;
const PRODUCERS = 50;
const PUSHES_PER_SECOND = 100;
/** More than consumers can do in the time. */
const JOBS = 300_000;
const USUAL_SECONDS = 5;
const ALONE_SECONDS = 8;
/** What was at Faktory when it became slow has to be worked off first. */
const SETTLING_SECONDS = 4;
/** Until throughput must be back, and the time over which it is taken. */
const BACK_AFTER_SECONDS = 25;
const BACK_SECONDS = 5;

export function slowFaktory({ stops }: StruggleOptions): Scenario {
  return {
    name: 'slow-faktory',
    about: `${CONSUMERS} consumers FETCH and ACK a full queue, and ${PRODUCERS} producers PUSH ${PUSHES_PER_SECOND} jobs/s in all; Faktory is slowed to a tenth for a while.`,
    columns: [
      { figure: 'aloneP99Ms' },
      { figure: 'usualP99Ms' },
      { figure: 'p99Ms' },
      { figure: 'timesAlone' },
      { figure: 'timesUsual' },
      { figure: 'usualAcks' },
      { figure: 'slowedAcks' },
      { figure: 'backAcks' },
      { figure: 'backShare' },
    ],
    withAdaptive: true,
    cases: (stops ?? [20]).map((seconds) => ({
      text: `slowed for ${seconds} s`,
      measure: (stage) => slowed(stage, seconds),
    })),
  };
}

async function slowed(stage: Stage, seconds: number): Promise<Outcome> {
  const endAlone = slowedToATenth(stage.faktoryPid);
  const aloneP99Ms = await pushP99Ms(stage, ALONE_SECONDS);
  await endAlone();
  await stage.fill(Array.from({ length: JOBS }, (_, index) => index + 1));
  const { crowd, ready } = await stage.crowd({ consumers: CONSUMERS });
  crowd.order('go');
  await sleep(SETTLING_SECONDS * 1000);
  const usual = await whileAcking(crowd, () => pushP99Ms(stage, USUAL_SECONDS));
  const end = slowedToATenth(stage.faktoryPid);
  await sleep(SETTLING_SECONDS * 1000);
  const slow = await whileAcking(crowd, () => pushP99Ms(stage, seconds - SETTLING_SECONDS));
  await end();
  await sleep(BACK_AFTER_SECONDS * 1000);
  const back = await whileAcking(crowd, () => sleep(BACK_SECONDS * 1000, 0));
  crowd.order('stop');
  await crowd.report('stopped');
  const report = await crowd.report('done');
  return {
    values: {
      aloneP99Ms,
      usualP99Ms: usual.result,
      p99Ms: slow.result,
      timesAlone: slow.result / aloneP99Ms,
      timesUsual: slow.result / usual.result,
      usualAcks: usual.acksPerSecond,
      slowedAcks: slow.acksPerSecond,
      backAcks: back.acksPerSecond,
      backShare: back.acksPerSecond / usual.acksPerSecond,
    },
    notes: crowdNotes('consumers', report, CONSUMERS, ready),
  };
}

/** Of producers that push for so long. */
async function pushP99Ms(stage: Stage, seconds: number): Promise<number> {
  const { crowd } = await stage.crowd({
    producers: PRODUCERS,
    rate: PUSHES_PER_SECOND,
    measure: `${seconds}s`,
    'work-queue': 'none',
  });
  crowd.order('go');
  await crowd.report('stopped');
  const { latencyMs } = await crowd.report('done');
  return latencyMs.push?.p99 ?? Infinity;
}

async function whileAcking(
  crowd: Crowd,
  act: () => Promise<number>,
): Promise<{ readonly result: number; readonly acksPerSecond: number }> {
  const before = await crowd.status();
  const result = await act();
  const after = await crowd.status();
  const seconds = (after.unixMillis - before.unixMillis) / 1000;
  return { result, acksPerSecond: (after.acked - before.acked) / seconds };
}
