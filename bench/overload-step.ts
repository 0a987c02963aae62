// One step of the overload benchmark: a fresh Faktory, perhaps a bouncer, so many consumers, then the
// producers. Promise: jobs are compared by jid once Faktory has recovered, so "lost" is exact; all
// that the step started has ended when it answers.

import { setTimeout as sleep } from 'node:timers/promises';
import { RealFaktory } from '../test/support/real-faktory.ts';
import { BouncerProcess } from './bouncer-process.ts';
import type { CleanUp } from './clean-up.ts';
import type { Address } from './load/connection.ts';
import { InfoProbe } from './load/info-probe.ts';
import { LoadHandle } from './load/load-handle.ts';
import type { ConsumersStatus } from './load/consumers.ts';
import type { DrainReport } from './load/drain.ts';
import type { ProducersReport } from './load/producers.ts';
import { percentile } from './load/statistics.ts';
import { serverConnections } from './metrics-text.ts';
import type { Front, OverloadOptions } from './overload-options.ts';

const IDLE_QUEUE = 'idle';
const PUSH_QUEUE = 'work';
/** As long as a FETCH blocks, so that there is no moment in which all of them end. */
const COME_OVER_MS = 2000;
const RETRY_DELAY_MS = 1000;
const SAMPLE_EVERY_MS = 500;
const INFO_EVERY_MS = 1000;
/** Two rounds of FETCH: those that were let in late have blocked too. */
const SETTLED_AFTER_MS = 4000;
const SETTLE_WITHIN_MS = 60_000;
const RECOVER_WITHIN_MS = 90_000;
const RECOVERED_INFO_MS = 250;
/** Faktory's own deadlines are 5 s: what was going to be pushed late has been by then. */
const RECOVERED_QUIET_MS = 6000;

export interface StepResult {
  readonly front: Front;
  readonly consumers: ConsumersStatus;
  readonly producers: ProducersReport;
  readonly queue: DrainReport;
  readonly infoP50Ms: number | null;
  /** The most server connections seen, and whether there were moments when none could be seen. */
  readonly serverConnectionsMax: number;
  readonly serverConnectionsBlind: boolean;
}

export interface StepPlan {
  readonly front: Front;
  readonly consumers: number;
  readonly options: OverloadOptions;
}

/** Runs one step; `say` gets a line for each part of it. */
export async function overloadStep(
  plan: StepPlan,
  cleanUp: CleanUp,
  say: (text: string) => void,
): Promise<StepResult> {
  const faktory = await RealFaktory.start();
  const endFaktory = cleanUp.add(() => faktory.stop());
  const direct = { host: faktory.host, port: faktory.port };
  const sampler = new InfoProbe(direct, SAMPLE_EVERY_MS);
  const bouncer =
    plan.front === 'direct' ? null : await BouncerProcess.start(direct, { mode: plan.front });
  const endBouncer = cleanUp.add(async () => await bouncer?.stop());
  const watch = new ServerConnectionsWatch(bouncer);
  const address = bouncer?.address ?? direct;

  const consumers = new LoadHandle();
  const endConsumers = cleanUp.add(() => consumers.kill());
  const producers = new LoadHandle();
  const endProducers = cleanUp.add(() => producers.kill());

  // Faktory checks the write that makes a queue, and no later one: real queues have long been made.
  await producers.ask('produce', { ...pushing(direct, 'seed-job-'), ...ONE_JOB });
  await producers.ask('drain', { address: direct, queue: PUSH_QUEUE });

  say(`${plan.consumers} consumers come`);
  await consumers.ask('consumers', {
    address,
    perWorker: plan.options.perWorker,
    queues: [IDLE_QUEUE],
    retryDelayMs: RETRY_DELAY_MS,
    jobMs: 0,
    widPrefix: 'overload-',
  });
  await consumers.ask('addConsumers', { count: plan.consumers, overMs: COME_OVER_MS });
  await settle(consumers, plan.consumers);
  const settled = await consumers.ask('consumersStatus', null);
  say(`${settled.admitted} are in; producers PUSH for ${plan.options.seconds} s`);

  const infoProbe = new InfoProbe(address, INFO_EVERY_MS);
  const report = await producers.ask('produce', {
    ...pushing(address, `overload-${plan.front}-${plan.consumers}-`),
    connections: plan.options.producers,
    jobsPerSecond: plan.options.jobsPerSecond,
    seconds: plan.options.seconds,
  });
  infoProbe.stop();
  const status = await consumers.ask('consumersStatus', null);
  const blind = sampler.blind || sampler.durationsMs.includes(Infinity);
  say(`${report.acknowledged} acknowledged; consumers go, waiting for Faktory to recover`);

  await endConsumers();
  await recovered(sampler);
  await watch.stop();
  await endBouncer();
  const queue = await producers.ask('drain', { address: direct, queue: PUSH_QUEUE });
  sampler.stop();
  await endProducers();
  await endFaktory();
  return {
    front: plan.front,
    consumers: status,
    producers: report,
    queue,
    infoP50Ms: percentile(infoProbe.durationsMs, 0.5),
    serverConnectionsMax: Math.max(sampler.connectionsMax, watch.max),
    serverConnectionsBlind: blind && plan.front === 'direct',
  };
}

const ONE_JOB = { connections: 1, jobsPerSecond: 1, seconds: 1 };

function pushing(address: Address, jidPrefix: string) {
  return { address, queue: PUSH_QUEUE, jidPrefix };
}

/** What the bouncer itself counts, for moments in which Faktory answers no INFO. */
class ServerConnectionsWatch {
  max = 0;
  readonly #bouncer: BouncerProcess | null;
  #stopped = false;
  readonly #watching: Promise<void>;

  constructor(bouncer: BouncerProcess | null) {
    this.#bouncer = bouncer;
    this.#watching = this.#watch();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#watching;
  }

  async #watch(): Promise<void> {
    while (!this.#stopped && this.#bouncer !== null) {
      const samples = await this.#bouncer.metrics().catch(() => []);
      this.max = Math.max(this.max, serverConnections(samples));
      await sleep(SAMPLE_EVERY_MS);
    }
  }
}

/** Waits until nobody has come in for a while, whether all are in or not. */
async function settle(consumers: LoadHandle, wanted: number): Promise<void> {
  const endAt = performance.now() + SETTLE_WITHIN_MS;
  let admitted = -1;
  let sinceAt = performance.now();
  while (performance.now() < endAt) {
    const status = await consumers.ask('consumersStatus', null);
    const now = performance.now();
    if (status.admitted !== admitted && admitted !== wanted) sinceAt = now;
    admitted = status.admitted;
    if (admitted > 0 && now - sinceAt >= SETTLED_AFTER_MS) return;
    await sleep(SAMPLE_EVERY_MS / 2);
  }
}

/** Waits until Faktory answers INFO quickly again and the queue has stopped growing. */
async function recovered(sampler: InfoProbe): Promise<void> {
  const endAt = performance.now() + RECOVER_WITHIN_MS;
  let seen = sampler.answers;
  let length = -1;
  let quietSinceAt = performance.now();
  while (performance.now() < endAt) {
    await sleep(SAMPLE_EVERY_MS / 5);
    const now = performance.now();
    const { latest } = sampler;
    if (sampler.answers === seen || latest === null) continue;
    seen = sampler.answers;
    const lengthNow = latest.info.faktory.queues[PUSH_QUEUE] ?? 0;
    if (lengthNow !== length || latest.tookMs > RECOVERED_INFO_MS) quietSinceAt = now;
    length = lengthNow;
    if (now - quietSinceAt >= RECOVERED_QUIET_MS) return;
  }
  throw new Error(
    `Cannot count the jobs: Faktory did not recover in ${RECOVER_WITHIN_MS / 1000} s`,
  );
}
