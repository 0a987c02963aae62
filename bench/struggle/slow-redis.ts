// Scenarios with a slow Redis: another client of it runs scripts back to back, so that every command
// of Faktory waits for one.

import { isStored, lostOf, twiceIn } from './account.ts';
import type { Stored } from './account.ts';
import { latency, notesOf, PUSH_COLUMNS, pushFigures } from './scenario.ts';
import type { Outcome, Scenario } from './scenario.ts';
import { WORK_QUEUE } from './stage.ts';
import type { Stage } from './stage.ts';
import { SlowRedis } from './trouble.ts';

const CONSUMERS = 100;
const BEAT_EVERY = '1s';
/** More than consumers can do in the time. */
const JOBS_PER_SECOND_MAX = 5000;
const FILLED_JID = 8_000_000_000_000_000;
const ONCE_PRODUCERS = 480;
const ONCE_SCRIPTS_MS = [100, 250];
const ONCE_SECONDS = 1;

export const SLOW_PUSH: Scenario = {
  name: 'slow-push',
  about: 'Producers PUSH as fast as they are answered while Redis is busy with scripts.',
  columns: [
    { title: 'PUSH/s', unit: 'count', ratioTo: ['direct'] },
    { title: 'p50', unit: 'ms', ratioTo: ['direct'] },
    { title: 'p99', unit: 'ms', ratioTo: ['direct'] },
    ...PUSH_COLUMNS,
  ],
  withRedisUrl: false,
  without: [],
  cases: ({ delaysMs, producers, seconds }) =>
    delaysMs.map((delayMs) => ({
      text: `${producers} producers, scripts of ${delayMs} ms`,
      run: (stage) => slowPush(stage, { delayMs, producers, seconds, once: false }),
    })),
};

export const PUSH_ONCE: Scenario = {
  name: 'push-once',
  about: 'Clients PUSH one job each, all at once, while Redis is busy with scripts.',
  columns: [
    { title: 'p50', unit: 'ms', ratioTo: ['direct'] },
    { title: 'p99', unit: 'ms', ratioTo: ['direct'] },
    ...PUSH_COLUMNS,
  ],
  withRedisUrl: false,
  without: [],
  cases: () =>
    ONCE_SCRIPTS_MS.map((delayMs) => ({
      text: `${ONCE_PRODUCERS} clients, scripts of ${delayMs} ms`,
      run: (stage) =>
        slowPush(stage, { delayMs, producers: ONCE_PRODUCERS, seconds: ONCE_SECONDS, once: true }),
    })),
};

export const SLOW_WORK: Scenario = {
  name: 'slow-work',
  about: `One worker of ${CONSUMERS} consumers FETCHes and ACKs a full queue, with a BEAT each second, while Redis is busy with scripts.`,
  columns: [
    { title: 'jobs/s', unit: 'count', ratioTo: ['direct', 'session'] },
    { title: 'ACK p50', unit: 'ms', ratioTo: ['direct', 'session'] },
    { title: 'BEAT p50', unit: 'ms', ratioTo: ['session'] },
    { title: 'FETCH p50', unit: 'ms', ratioTo: ['direct', 'session'] },
    { title: 'lost', unit: 'count' },
    { title: 'done twice', unit: 'count' },
    { title: 'reserved, never read', unit: 'count' },
  ],
  withRedisUrl: false,
  without: [],
  cases: ({ delaysMs, seconds }) =>
    delaysMs.map((delayMs) => ({
      text: `scripts of ${delayMs} ms`,
      run: (stage) => slowWork(stage, delayMs, seconds),
    })),
};

interface SlowPush {
  readonly delayMs: number;
  readonly producers: number;
  readonly seconds: number;
  readonly once: boolean;
}

async function slowPush(stage: Stage, plan: SlowPush): Promise<Outcome> {
  const { producers, seconds, once } = plan;
  const { crowd, ready } = await stage.crowd({ clients: producers, once, measure: `${seconds}s` });
  const slow = await SlowRedis.start(stage.faktory.redisSocket, plan.delayMs);
  crowd.go();
  const stopped = await crowd.report('stopped');
  const report = await crowd.report('done');
  await slow.end();
  const ledger = await stage.ledger();
  const inTime = ledger.pushes.filter(({ at }) => at <= stopped.unixMillis);
  const stored = await stage.stored((found) => lostOf(ledger.pushes, found).length === 0);
  return {
    figures: {
      'PUSH/s': inTime.length / stopped.seconds,
      p50: latency(ledger.pushes, 0.5),
      p99: latency(ledger.pushes, 0.99),
      ...pushFigures(ledger, stored, report),
    },
    notes: notesOf(report, producers, ready),
  };
}

async function slowWork(stage: Stage, delayMs: number, seconds: number): Promise<Outcome> {
  const jids = Array.from({ length: seconds * JOBS_PER_SECOND_MAX }, (_, at) => FILLED_JID + at);
  const { crowd, ready } = await stage.crowd({
    clients: 0,
    consumers: CONSUMERS,
    'per-worker': CONSUMERS,
    'beat-every': BEAT_EVERY,
    measure: `${seconds}s`,
  });
  await stage.fill(WORK_QUEUE, jids, 25);
  const slow = await SlowRedis.start(stage.faktory.redisSocket, delayMs);
  crowd.go();
  const stopped = await crowd.report('stopped');
  const report = await crowd.report('done');
  await slow.end();
  // What is given back for consumers that have left comes with the end of the bouncer.
  await stage.bouncer?.drain();
  const { fetches, acks, beats } = await stage.ledger();
  const handedOut = new Map<number, number>();
  for (const { jid } of fetches) handedOut.set(jid, (handedOut.get(jid) ?? 0) + 1);
  const missing = (found: Stored): number[] =>
    jids.filter((jid) => !handedOut.has(jid) && !isStored(found, jid));
  const stored = await stage.stored((found) => missing(found).length === 0);
  const acked = new Set(acks.map(({ jid }) => jid));
  const doneAndQueued = [...stored.queued.keys()].filter((jid) => acked.has(jid)).length;
  const neverRead = [...stored.working.keys()].filter((jid) => !handedOut.has(jid)).length;
  return {
    figures: {
      'jobs/s': acks.filter(({ at }) => at <= stopped.unixMillis).length / stopped.seconds,
      'ACK p50': latency(acks, 0.5),
      'BEAT p50': latency(beats, 0.5),
      'FETCH p50': latency(fetches, 0.5),
      lost: missing(stored).length,
      'done twice': twiceIn(handedOut) + doneAndQueued,
      'reserved, never read': neverRead,
    },
    notes: notesOf(report, CONSUMERS, ready),
  };
}
