// What the demo stands on: a Faktory (the real one where it can be had), a bouncer with a small cap,
// and its clients in processes of their own. Promise: everything is given to the clean-up the moment
// it is started.

import { BouncerProcess } from '../bench/bouncer-process.ts';
import type { CleanUp } from '../bench/clean-up.ts';
import type { Address } from '../bench/load/connection.ts';
import { InfoProbe } from '../bench/load/info-probe.ts';
import { LoadHandle } from '../bench/load/load-handle.ts';
import { provision } from '../test/support/provision.ts';
import { RealFaktory } from '../test/support/real-faktory.ts';
import { StandInFaktory } from '../test/support/stand-in-faktory.ts';

export const QUEUE = 'default';
export const LIMITS = { server_connections: 30, producer_reserve: 6 };
export const WAITING_LINE = { size: 20, timeout: '3s' };
/** Places that workers may take. */
export const WORKER_PLACES = LIMITS.server_connections - LIMITS.producer_reserve;

const CONSUMERS_PER_WORKER = 5;
const RETRY_DELAY_MS = 1000;
const JOB_MS = 20;
const INFO_EVERY_MS = 250;
/** What the stand-in says it is. */
const STAND_IN_VERSION = '1.7.0';

export interface House {
  readonly bouncer: BouncerProcess;
  readonly consumers: LoadHandle;
  readonly producers: LoadHandle;
  /** Asks Faktory itself, past the bouncer. */
  readonly direct: InfoProbe;
}

export async function openHouse(cleanUp: CleanUp, say: (text: string) => void): Promise<House> {
  const server = await startFaktory(cleanUp, say);
  const bouncer = await BouncerProcess.start(server, {
    mode: 'session',
    limits: LIMITS,
    waiting_line: WAITING_LINE,
  });
  cleanUp.add(() => bouncer.stop());
  say(`faktory-bouncer listens on ${bouncer.address.host}:${bouncer.address.port}.`);
  say(`Its status page, while this runs: ${bouncer.adminUrl}/`);
  const consumers = new LoadHandle();
  cleanUp.add(() => consumers.kill());
  const producers = new LoadHandle();
  cleanUp.add(() => producers.kill());
  const direct = new InfoProbe(server, INFO_EVERY_MS);
  cleanUp.add(() => direct.stop());
  await consumers.ask('consumers', {
    address: bouncer.address,
    perWorker: CONSUMERS_PER_WORKER,
    queues: [QUEUE],
    retryDelayMs: RETRY_DELAY_MS,
    jobMs: JOB_MS,
    widPrefix: 'demo-',
  });
  return { bouncer, consumers, producers, direct };
}

/** The real one, provisioned where the machine allows; else the stand-in, and why. */
async function startFaktory(cleanUp: CleanUp, say: (text: string) => void): Promise<Address> {
  const { version, missing } = await provision(say);
  if (version !== undefined) {
    const faktory = await RealFaktory.start();
    cleanUp.add(() => faktory.stop());
    say(`Faktory ${faktory.version}, the real one, on ${faktory.host}:${faktory.port}.`);
    return faktory;
  }
  for (const problem of missing) say(problem);
  return await startStandIn(cleanUp, say);
}

/** In this very process: slower than the real one, and it forgets all at the end. */
async function startStandIn(cleanUp: CleanUp, say: (text: string) => void): Promise<Address> {
  const standIn = await StandInFaktory.start({ version: STAND_IN_VERSION });
  cleanUp.add(() => standIn.stop());
  say(`So a stand-in for Faktory ${STAND_IN_VERSION} runs, on ${standIn.host}:${standIn.port}.`);
  return standIn;
}
