// One measurement: a load through a front, as figures.

import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { spreadOf } from '../harness/figures.ts';
import type { Outcome, Values } from '../harness/figures.ts';
import type { Crowd, CrowdReport } from '../harness/generator.ts';
import { memoryOf } from '../harness/processes.ts';
import { crowdNotes } from '../harness/push-outcome.ts';
import type { Stage } from '../harness/stage.ts';
import { SlowRedis } from '../harness/trouble.ts';
import { clientsOf } from './loads.ts';
import type { Load } from './loads.ts';

/** Until a proxy's memory has stopped moving, empty and full. */
const SETTLE_MS = 1500;
/** Node compiles what runs often, and HAProxy and nginx fill their pools. */
const WARM_SECONDS = 2;
const WARM_UP = '500ms';
/** A FETCH blocks for 2 s at Faktory, even when its client is gone: an earlier load's takes jobs. */
const STRANGERS_END_MS = 2500;
const STORMS = 3;
const SCRIPT_MS = 10;

export interface Step {
  readonly load: Load;
  readonly seconds: number;
  readonly isFirst: boolean;
  readonly withSlowRedis: boolean;
}

export async function measureLoad(stage: Stage, step: Step): Promise<Outcome> {
  switch (step.load.kind) {
    case 'push':
    case 'cycle':
    case 'drain':
      return measureWork(stage, step);
    case 'idle':
      return measureIdle(stage, step.load);
    case 'storm':
      return measureStorms(stage, step.load);
  }
}

async function measureWork(stage: Stage, step: Step): Promise<Outcome> {
  const { load } = step;
  if (step.isFirst) await work(stage, { ...step, seconds: WARM_SECONDS });
  const report = await work(stage, step);
  const { pushes, acks, bytes } = report.recorded;
  const jobs = load.kind === 'push' ? pushes : acks;
  const commands = load.kind === 'push' ? pushes : pushes + 2 * acks;
  const took = load.kind === 'push' ? report.latencyMs.push : report.latencyMs.job;
  const values: Values = {
    jobsPerSecond: jobs / report.seconds,
    ...(load.kind === 'push' && { bytesPerSecond: bytes / report.seconds }),
    ...(took !== undefined && { p50Ms: took.p50, p99Ms: took.p99, p999Ms: took.p999 }),
    ...costs(stage, report, jobs, commands),
  };
  return { values, notes: crowdNotes('clients', report, clientsOf(load)) };
}

/** The last report, with the clients that were admitted at the beginning. */
async function work(stage: Stage, { load, seconds, withSlowRedis }: Step): Promise<CrowdReport> {
  await stage.rest();
  const { crowd, ready } = await stage.crowd({
    ...load.flags,
    measure: `${seconds}s`,
    // A queue that is to be drained does not wait for the warm-up.
    'warm-up': load.kind === 'drain' ? '0s' : WARM_UP,
  });
  if (load.kind === 'drain') {
    await sleep(STRANGERS_END_MS);
    await stage.fill(Array.from({ length: load.flags.jobs ?? 0 }, (_, index) => index + 1));
  }
  const slow = withSlowRedis ? await SlowRedis.start(stage.faktory.redisSocket, SCRIPT_MS) : null;
  crowd.order('go');
  await crowd.report('stopped');
  await slow?.end();
  const done = await crowd.report('done');
  const { admittedProducers, admittedConsumers } = ready;
  return { ...done, admittedProducers, admittedConsumers };
}

/** On a front of its own: what earlier loads left in its memory would hide what clients take. */
async function measureIdle(stage: Stage, load: Load): Promise<Outcome> {
  await sleep(SETTLE_MS);
  const empty = memoryOf(stage.proxyPids);
  const { crowd, ready } = await stage.crowd({ ...load.flags });
  await sleep(SETTLE_MS);
  const full = memoryOf(stage.proxyPids);
  await left(crowd);
  const clients = ready.admittedConsumers;
  const perThousand = (filled: number, before: number): number =>
    ((filled - before) / clients) * 1000;
  return {
    values: {
      clients,
      emptyRssBytes: empty.rssBytes,
      emptyPssBytes: empty.pssBytes,
      fullRssBytes: full.rssBytes,
      fullPssBytes: full.pssBytes,
      rssPer1000Bytes: perThousand(full.rssBytes, empty.rssBytes),
      pssPer1000Bytes: perThousand(full.pssBytes, empty.pssBytes),
    },
    notes: crowdNotes('clients', ready, clientsOf(load)),
  };
}

async function measureStorms(stage: Stage, load: Load): Promise<Outcome> {
  const storms: CrowdReport[] = [];
  for (let storm = 0; storm < STORMS; storm += 1) {
    await stage.rest();
    const { crowd, ready } = await stage.crowd({ ...load.flags });
    storms.push(ready);
    await left(crowd);
  }
  const middle = [...storms].sort((a, b) => a.seconds - b.seconds)[Math.floor(STORMS / 2)];
  if (middle === undefined) throw new Error('Cannot measure: there was no storm');
  const rates = storms.map(({ admittedConsumers, seconds }) => admittedConsumers / seconds);
  const { admittedConsumers } = middle;
  return {
    values: {
      connectsPerSecond: spreadOf(rates)?.median ?? 0,
      ...costs(stage, middle, 0, admittedConsumers),
    },
    notes: crowdNotes('clients', middle, clientsOf(load)),
  };
}

async function left(crowd: Crowd): Promise<void> {
  crowd.order('leave');
  await crowd.report('done');
}

/** What it cost, for each command (in a storm: for each connection). */
function costs(stage: Stage, report: CrowdReport, jobs: number, commands: number): Values {
  if (commands === 0) return {};
  const { cpuMicros, ownCpuMicros, busyMicros, seconds } = report;
  const spent = (pids: readonly number[]): number =>
    pids.reduce((sum, pid) => sum + (cpuMicros[pid] ?? 0), 0);
  const server = spent([stage.faktoryPid, stage.redisPid]);
  const proxy = spent(stage.proxyPids);
  const others = Math.max(0, busyMicros - ownCpuMicros - server - proxy);
  return {
    ...(jobs > 0 && server > 0 && { jobsPerServerSecond: (jobs / server) * 1e6 }),
    ...(stage.proxy !== null && { proxyMicros: proxy / commands }),
    faktoryMicros: spent([stage.faktoryPid]) / commands,
    redisMicros: spent([stage.redisPid]) / commands,
    generatorMicros: ownCpuMicros / commands,
    generatorShare: ownCpuMicros / 1e6 / seconds,
    othersShare: others / 1e6 / seconds / cpus().length,
  };
}
