// What the demo stands on: a Faktory (the real one where it can be had) and a bouncer with a small cap.
// Promise: everything is given to the clean-up the moment it is started.

import { join } from 'node:path';
import type { CleanUp } from '../bench/harness/clean-up.ts';
import { startBouncer } from '../bench/harness/fronts.ts';
import type { Address } from '../bench/harness/proxy.ts';
import { RawClient } from '../test/support/raw-client.ts';
import { provision } from '../test/support/provision.ts';
import { RealFaktory } from '../test/support/real-faktory.ts';
import { StandInFaktory } from '../test/support/stand-in-faktory.ts';

import { parseMetrics } from './metrics-text.ts';
import type { MetricSample } from './metrics-text.ts';

export const QUEUE = 'default';
export const LIMITS = { server_connections: 30, producer_reserve: 6 };
export const WAITING_LINE = { size: 20, timeout: '3s' };
/** Places that workers may take. */
export const WORKER_PLACES = LIMITS.server_connections - LIMITS.producer_reserve;

/** From its source, which Node strips of its types: nothing needs to be built. */
const PROGRAM = join(import.meta.dirname, '..', 'src', 'main.ts');
/** What the stand-in says it is. */
const STAND_IN_VERSION = '1.7.0';

export interface House {
  /** Where clients connect. */
  readonly port: number;
  readonly server: Address;
  readonly adminUrl: string;
}

export async function openHouse(cleanUp: CleanUp, say: (text: string) => void): Promise<House> {
  const server = await startFaktory(cleanUp, say);
  const bouncer = await startBouncer(server, PROGRAM, {
    mode: 'session',
    limits: LIMITS,
    waiting_line: WAITING_LINE,
  });
  cleanUp.add(() => bouncer.stop());
  const { address, adminUrl } = bouncer;
  say(`faktory-bouncer listens on ${address.host}:${address.port}.`);
  say(`Its metrics, while this runs: ${adminUrl}/metrics`);
  return { port: address.port, server, adminUrl };
}

export async function metricsOf({ adminUrl }: House): Promise<readonly MetricSample[]> {
  const response = await fetch(`${adminUrl}/metrics`);
  return parseMetrics(await response.text());
}

/** Jobs still in the queue, as Faktory itself counts them. */
export async function countQueued({ server }: House): Promise<number> {
  const client = await RawClient.connect(server);
  const reply = await client.command('INFO');
  client.end();
  await client.closed;
  if (reply.kind !== 'bulk' || reply.text === null) {
    throw new Error('Cannot count the jobs: Faktory answers no INFO');
  }
  const info = JSON.parse(reply.text) as {
    readonly faktory: { readonly queues: Readonly<Record<string, number>> };
  };
  return info.faktory.queues[QUEUE] ?? 0;
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
