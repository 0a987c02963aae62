// Scenarios with a slow Redis: another client of it runs scripts back to back, so that every command
// of Faktory waits for one.

import type { Outcome } from '../harness/figures.ts';
import { isStored, lostOf, twiceIn } from '../harness/ledger.ts';
import type { Stored } from '../harness/ledger.ts';
import { crowdNotes, latencyValues, PUSH_COLUMNS, pushValues } from '../harness/push-outcome.ts';
import type { Stage } from '../harness/stage.ts';
import { SlowRedis } from '../harness/trouble.ts';
import type { Scenario } from './scenario.ts';
import type { StruggleOptions } from './struggle-options.ts';

const CONSUMERS = 100;
/** More than consumers can do in the time. */
const JOBS_PER_SECOND_MAX = 5000;
const ONCE = { producers: 480, seconds: 1, warmUp: 0, once: true };
const ONCE_SCRIPTS_MS = [100, 250];

export function slowPush(options: StruggleOptions): Scenario {
  const { delaysMs, producers, seconds, warmUp } = options;
  return {
    name: 'slow-push',
    about: 'Producers PUSH as fast as they are answered while Redis is busy with scripts.',
    columns: [
      { figure: 'jobsPerSecond', ratioTo: ['direct'] },
      { figure: 'p50Ms', ratioTo: ['direct'] },
      { figure: 'p99Ms', ratioTo: ['direct'] },
      ...PUSH_COLUMNS,
    ],
    cases: delaysMs.map((delayMs) => ({
      text: `${producers} producers, scripts of ${delayMs} ms`,
      measure: (stage) => push(stage, { delayMs, producers, seconds, warmUp, once: false }),
    })),
  };
}

export function pushOnce(): Scenario {
  return {
    name: 'push-once',
    about: 'Clients PUSH one job each, all at once, while Redis is busy with scripts.',
    columns: [
      { figure: 'p50Ms', ratioTo: ['direct'] },
      { figure: 'p99Ms', ratioTo: ['direct'] },
      ...PUSH_COLUMNS,
    ],
    cases: ONCE_SCRIPTS_MS.map((delayMs) => ({
      text: `${ONCE.producers} clients, scripts of ${delayMs} ms`,
      measure: (stage) => push(stage, { ...ONCE, delayMs }),
    })),
  };
}

export function slowWork(options: StruggleOptions): Scenario {
  return {
    name: 'slow-work',
    about: `One worker of ${CONSUMERS} consumers FETCHes and ACKs a full queue, with a BEAT every 0.1 s, while Redis is busy with scripts.`,
    columns: [
      { figure: 'jobsPerSecond', ratioTo: ['direct', 'session'] },
      { figure: 'ackP50Ms', ratioTo: ['direct', 'session'] },
      { figure: 'beatP50Ms', ratioTo: ['session'] },
      { figure: 'fetchP50Ms', ratioTo: ['direct', 'session'] },
      { figure: 'lost' },
      { figure: 'doneTwice' },
      { figure: 'neverRead' },
    ],
    cases: options.delaysMs.map((delayMs) => ({
      text: `scripts of ${delayMs} ms`,
      measure: (stage) => work(stage, delayMs, options),
    })),
  };
}

interface PushPlan {
  readonly delayMs: number;
  readonly producers: number;
  readonly seconds: number;
  readonly warmUp: number;
  readonly once: boolean;
}

async function push(stage: Stage, plan: PushPlan): Promise<Outcome> {
  const { producers, once, seconds } = plan;
  const { crowd, ready } = await stage.crowd({
    producers,
    once,
    'warm-up': `${plan.warmUp}s`,
    measure: `${seconds}s`,
    ledger: stage.ledgerFile,
  });
  const slow = await SlowRedis.start(stage.faktory.redisSocket, plan.delayMs);
  crowd.order('go');
  await crowd.report('stopped');
  const report = await crowd.report('done');
  await slow.end();
  const ledger = await stage.ledger();
  const stored = await stage.stored((found) => lostOf(ledger.pushes, found).length === 0);
  return {
    values: {
      jobsPerSecond: report.recorded.pushes / report.seconds,
      ...pushValues(report, ledger, stored),
    },
    notes: crowdNotes('clients', report, producers, ready),
  };
}

async function work(stage: Stage, delayMs: number, options: StruggleOptions): Promise<Outcome> {
  const { seconds, warmUp } = options;
  const jobs = (warmUp + seconds) * JOBS_PER_SECOND_MAX;
  const jids = Array.from({ length: jobs }, (_, index) => index + 1);
  const { crowd, ready } = await stage.crowd({
    consumers: CONSUMERS,
    'per-worker': CONSUMERS,
    'beat-every': '100ms',
    'warm-up': `${warmUp}s`,
    measure: `${seconds}s`,
    ledger: stage.ledgerFile,
  });
  await stage.fill(jids);
  const slow = await SlowRedis.start(stage.faktory.redisSocket, delayMs);
  crowd.order('go');
  await crowd.report('stopped');
  const report = await crowd.report('done');
  await slow.end();
  // What is given back for consumers that have left comes with the end of the bouncer.
  await stage.proxy?.drain();
  const { fetches, acks } = await stage.ledger();
  const handedOut = new Map<number, number>();
  for (const { jid } of fetches) handedOut.set(jid, (handedOut.get(jid) ?? 0) + 1);
  const missing = (found: Stored): number =>
    jids.filter((jid) => !handedOut.has(jid) && !isStored(found, jid)).length;
  const stored = await stage.stored((found) => missing(found) === 0);
  const doneAndQueued = acks.filter(({ jid }) => stored.queued.has(jid)).length;
  return {
    values: {
      jobsPerSecond: report.recorded.acks / report.seconds,
      ...latencyValues(report),
      lost: missing(stored),
      doneTwice: twiceIn(handedOut) + doneAndQueued,
      neverRead: [...stored.working.keys()].filter((jid) => !handedOut.has(jid)).length,
    },
    notes: crowdNotes('clients', report, CONSUMERS, ready),
  };
}
