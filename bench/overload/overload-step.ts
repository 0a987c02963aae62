// One step of the overload benchmark: so many consumers that FETCH from an idle queue, then producers.
// Promise: jobs are compared one by one once Faktory has recovered, so "lost" is exact.

import { setTimeout as sleep } from 'node:timers/promises';
import type { FigureName, Outcome } from '../harness/figures.ts';
import type { Crowd } from '../harness/generator.ts';
import type { Group } from '../harness/groups.ts';
import { lostOf } from '../harness/ledger.ts';
import { connectionsTo } from '../harness/processes.ts';
import { crowdNotes, pushValues } from '../harness/push-outcome.ts';
import type { Stage } from '../harness/stage.ts';
import { shareText } from '../harness/texts.ts';
import { InfoProbe } from './info-probe.ts';
import type { OverloadOptions } from './overload-options.ts';

const IDLE_QUEUE = 'bench-idle';
/** As long as a FETCH blocks, so that there is no moment in which all of them end. */
const COME_OVER = '2s';
const RETRY_DELAY = '1s';
const SAMPLE_EVERY_MS = 250;
/** Two rounds of FETCH: those that were let in late have blocked too. */
const SETTLED_AFTER_MS = 4000;
const SETTLE_WITHIN_MS = 60_000;

const TITLES: Partial<Record<FigureName, string>> = { p50Ms: 'PUSH p50', p99Ms: 'PUSH p99' };

const SHOWN: readonly FigureName[] = [
  'admitted',
  'refused',
  'offered',
  'acknowledged',
  'lost',
  'p50Ms',
  'p99Ms',
  'infoP50Ms',
  'serverConnections',
];

export function overloadGroup(options: OverloadOptions): Group {
  return {
    name: 'overload',
    about: '',
    columns: SHOWN.map((figure) => {
      const title = TITLES[figure];
      return title === undefined ? { figure } : { figure, title };
    }),
    fronts: options.fronts.map((kind) => ({ name: kind, kind })),
    placement: 'shared',
    stages: 'fresh',
    cases: options.consumers.map((count) => ({
      text: String(count),
      measure: (stage) => overloadStep(stage, count, options),
    })),
  };
}

async function overloadStep(
  stage: Stage,
  count: number,
  options: OverloadOptions,
): Promise<Outcome> {
  const watch = new ConnectionsWatch(stage.faktory.port);
  const { crowd: consumers } = await stage.crowd({
    consumers: count,
    'per-worker': options.perWorker,
    'work-queue': IDLE_QUEUE,
    'come-over': COME_OVER,
    'retry-delay': RETRY_DELAY,
    // They FETCH as they come.
    'ready-within': '0s',
  });
  consumers.order('go');
  await settle(consumers, count);
  const probe = new InfoProbe(stage.address);
  const { crowd: producers } = await stage.crowd({
    producers: options.producers,
    rate: options.jobsPerSecond,
    ledger: stage.ledgerFile,
    measure: `${options.seconds}s`,
    'retry-delay': RETRY_DELAY,
    'ready-within': '5s',
    'last-answers': '10s',
  });
  producers.order('go');
  await producers.report('stopped');
  const report = await producers.report('done');
  const infoP50Ms = await probe.stop();
  const status = await consumers.status();
  await consumers.kill();
  const ledger = await stage.ledger();
  const stored = await stage.stored((found) => lostOf(ledger.pushes, found).length === 0);
  const serverConnections = watch.stop();
  const values = pushValues(report, ledger, stored);
  const acknowledged = new Set(ledger.pushes.map(({ jid }) => jid));
  const unexpected = [...stored.queued.keys()].filter((jid) => !acknowledged.has(jid)).length;
  return {
    values: {
      ...values,
      admitted: status.admittedConsumers,
      refused: status.refused,
      offered: report.offered,
      infoP50Ms,
      serverConnections,
    },
    texts: { lost: shareText(values.lost ?? 0, values.acknowledged ?? 0) },
    notes: [
      ...crowdNotes('consumers', status, 0),
      ...crowdNotes('producers', report, 0),
      ...counted(values.storedTwice ?? 0, 'jobs were in the queue twice'),
      ...counted(unexpected, 'jobs were in the queue without an acknowledgement'),
      ...counted(report.silent, 'PUSHes had no answer 10 s after the end'),
    ],
  };
}

function counted(count: number, text: string): string[] {
  return count === 0 ? [] : [`${count} ${text}`];
}

/** Waits until no consumer has been admitted for a while, whether all are in or not. */
async function settle(consumers: Crowd, wanted: number): Promise<void> {
  const endAt = performance.now() + SETTLE_WITHIN_MS;
  let admitted = -1;
  let sinceAt = performance.now();
  while (performance.now() < endAt) {
    const status = await consumers.status();
    const now = performance.now();
    if (status.admittedConsumers !== admitted && admitted !== wanted) sinceAt = now;
    admitted = status.admittedConsumers;
    if (admitted > 0 && now - sinceAt >= SETTLED_AFTER_MS) return;
    await sleep(SAMPLE_EVERY_MS);
  }
}

/** The most connections that Faktory has had at once. */
class ConnectionsWatch {
  readonly #timer: NodeJS.Timeout;
  #max = 0;

  constructor(port: number) {
    this.#timer = setInterval(() => {
      this.#max = Math.max(this.#max, connectionsTo(port));
    }, SAMPLE_EVERY_MS);
  }

  stop(): number {
    clearInterval(this.#timer);
    return this.#max;
  }
}
