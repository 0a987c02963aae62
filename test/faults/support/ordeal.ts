// What every fault is tested with: the real Faktory, a bouncer, a market of clients, and the ledger of all
// jobs. Promise: whatever the fault is, what was acknowledged is done or Faktory's, no job is handed out
// twice, no client reads a reply that is not its own, only errors that docs/ names are read, and the market
// goes on when the fault is over.

import type { Test } from 'tap';
import { Market, type MarketOptions } from './market.ts';
import { type Overrides, type RunningBouncer, startBouncer } from '../../support/bouncer.ts';
import type { Clock } from '../../../src/base/clock.ts';
import { heldByFaktory, heldInTheEnd } from '../../support/held-jobs.ts';
import { accountsOf } from '../../support/job-accounts.ts';
import { RealFaktory } from '../../support/real-faktory.ts';
import { until } from '../../support/waiting.ts';
import { BadNetwork } from './bad-network.ts';

export const MODES = ['session', 'pooled'] as const;
export type Mode = (typeof MODES)[number];

/** As many workers as producers and a few more: jobs are worked off as they come. */
const CROWD = { producers: 6, workers: 9, idle: 10 };
export const PRODUCERS = CROWD.producers;
const JOBS_BETWEEN = 30;
/** As long as Ruby and Go clients wait. */
const PATIENCE_MS = 5000;
/** A crowd of thousands takes its time from the market too. */
const RECOVERY_MS = process.env['FAULT_CLIENTS'] === undefined ? 60_000 : 300_000;

export interface OrdealOptions {
  readonly overrides?: Overrides;
  readonly clock?: Clock;
  /** The bouncer knows where Faktory's Redis is. */
  readonly asksRedis?: true;
  /** Bad networks between clients and the bouncer, and between the bouncer and Faktory. */
  readonly networks?: true;
  readonly patienceMs?: MarketOptions['patienceMs'];
  readonly crowd?: Partial<typeof CROWD>;
}

export interface Ordeal {
  readonly faktory: RealFaktory;
  readonly bouncer: RunningBouncer;
  readonly market: Market;
  /** Fair, unless networks are asked for. */
  readonly networks: { readonly front: BadNetwork; readonly back: BadNetwork } | null;
  /** Calls `end` when all is over, before Faktory ends. */
  readonly atEnd: (end: () => Promise<void>) => void;
  /** Resolves when so many more jobs are done: the market works. */
  readonly works: (jobs?: number) => Promise<void>;
}

/** What Faktory itself loses, as docs/modes.md names it. */
export interface Allowed {
  /** Acknowledged jobs that may be lost, of those that are. */
  readonly mayLose?: (lost: readonly string[], market: Market) => boolean;
}

/** Runs `fault` in the middle of the market; afterwards all must be as the promise says. */
export async function ordeal(
  t: Test,
  mode: Mode,
  options: OrdealOptions,
  fault: (ordeal: Ordeal) => Promise<Allowed | void>,
): Promise<void> {
  const faktory = await RealFaktory.start();
  t.teardown(() => faktory.stop());
  const back = options.networks === undefined ? null : await BadNetwork.start(t, faktory.port);
  const bouncer = await startBouncer(t, {
    port: back?.port ?? faktory.port,
    overrides: {
      mode,
      ...(options.asksRedis === true && { 'redis.url': `unix://${faktory.redisSocket}` }),
      ...options.overrides,
    },
    ...(options.clock !== undefined && { clock: options.clock }),
  });
  await bouncer.isUp();
  const front = options.networks === undefined ? null : await BadNetwork.start(t, bouncer.port);
  const market = new Market(front?.port ?? bouncer.port, {
    patienceMs: options.patienceMs ?? PATIENCE_MS,
    echoes: true,
  });
  // A fault that is not survived must not keep the process alive.
  t.teardown(() => market.stop(async () => market.leaveAll()));
  market.open({ ...CROWD, ...options.crowd });
  const works = (jobs = JOBS_BETWEEN): Promise<void> => marketWorks(market, jobs);
  await works();
  const ends: (() => Promise<void>)[] = [];
  t.teardown(() => Promise.all(ends.map((end) => end())));
  const allowed = await fault({
    faktory,
    bouncer,
    market,
    networks: front === null || back === null ? null : { front, back },
    atEnd: (end) => ends.push(end),
    works,
  });
  await works();
  await settleAccounts(t, { faktory, market, allowed: allowed ?? {} }, () => bouncer.drain());
  t.equal(bouncer.bouncer.counts.bugs.total, 0, 'no defect');
  const { placesTaken, clients, fetches, strayJobs } = bouncer.snapshot();
  const left = { placesTaken, clients: clientsIn(clients), inFlight: fetches.inFlight, strayJobs };
  t.same(left, {
    // The own connection's place is never given back.
    placesTaken: { ...placesTaken, worker: 0 },
    clients: 0,
    inFlight: 0,
    strayJobs: 0,
  });
}

/** Resolves when `jobs` more are done. */
export async function marketWorks(market: Market, jobs: number): Promise<void> {
  const enough = market.acknowledged.size + jobs;
  await until(() => market.acknowledged.size >= enough, {
    what: `${jobs} more jobs to be done`,
    withinMs: RECOVERY_MS,
  });
}

/** Ends the market, and compares what its clients were told with what Faktory holds. */
export async function settleAccounts(
  t: Test,
  house: { readonly faktory: RealFaktory; readonly market: Market; readonly allowed: Allowed },
  closeClients: () => Promise<void>,
): Promise<void> {
  const { faktory, market, allowed } = house;
  market.stopProducers();
  const isWorkedOff = async (): Promise<boolean> =>
    [...(await heldByFaktory(faktory)).values()].every((at) => !at.includes('queued'));
  await until(isWorkedOff, { what: 'the queue to be worked off', withinMs: RECOVERY_MS });
  await market.stop(closeClients);
  // What was given back at the end is stored by now, or a moment later.
  const isAllowed = (lost: readonly string[]): boolean =>
    allowed.mayLose?.(lost, market) ?? lost.length === 0;
  const held = await heldInTheEnd(faktory, (held) => isAllowed(accountsOf(market, held).lost));
  const { lost, twice, wrong, unnamed, summary } = accountsOf(market, held);
  t.comment(summary);
  t.ok(isAllowed(lost), `lost: ${lost.join()}`);
  t.same(twice, [], 'no job is handed out twice');
  t.same(wrong, [], 'every reply is the right one');
  t.same(unnamed, [], 'every error is named');
}

function clientsIn(counts: Record<string, Record<string, number>>): number {
  return Object.values(counts).reduce(
    (sum, states) => sum + Object.values(states).reduce((a, b) => a + b, 0),
    0,
  );
}
