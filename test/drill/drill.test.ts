// What an operator does to a bouncer with clients: reloads, hand-overs of the port, a restart of Faktory
// within a pause, a stop. Promise: every acknowledged job is done or still Faktory's, and clients read
// no error but those that docs/operations.md names. Short by default; DRILL=long takes two minutes.

import t, { type Test } from 'tap';
import { SystemClock } from '../../src/base/clock.ts';
import { type Overrides, type RunningBouncer, startBouncer } from '../support/bouncer.ts';
import { heldByFaktory } from '../support/held-jobs.ts';
import { RealFaktory, requireFaktory } from '../support/real-faktory.ts';
import { until } from '../support/waiting.ts';
import { Market } from './support/market.ts';

const missing = requireFaktory(t) === undefined;

const PLANS = {
  short: { producers: 6, workers: 12, idle: 20, reloads: 6, handOvers: 2, jobsBetween: 40 },
  long: { producers: 20, workers: 200, idle: 1780, reloads: 20, handOvers: 10, jobsBetween: 1500 },
} as const;
const PLAN = PLANS[process.env['DRILL'] === 'long' ? 'long' : 'short'];

const BASE: Overrides = {
  mode: 'pooled',
  'listen.reuse_port': true,
  // The longest: Faktory's restart takes its time on a busy machine, and so does a stop.
  'pool.outage_wait': '1m',
  'limits.server_connections': 440,
  drain_timeout: '2m',
};

/** The bouncers of one port, one after another. */
class Street {
  readonly #t: Test;
  readonly #faktory: RealFaktory;
  current: RunningBouncer | null = null;
  #port = 0;

  constructor(t: Test, faktory: RealFaktory) {
    this.#t = t;
    this.#faktory = faktory;
  }

  get bouncer(): RunningBouncer {
    if (this.current === null) throw new Error('Cannot find a bouncer: none was started');
    return this.current;
  }

  /** One more listens on the port, and is the one from now on. */
  async open(): Promise<RunningBouncer> {
    const bouncer = await startBouncer(this.#t, {
      port: this.#faktory.port,
      overrides: { ...BASE, 'listen.address': `127.0.0.1:${this.#port}` },
      clock: new SystemClock(),
    });
    await bouncer.isUp();
    this.#port = bouncer.port;
    this.current = bouncer;
    return bouncer;
  }
}

t.test(
  'an operator at work costs no job, and no error that is not named',
  { skip: missing },
  async (t) => {
    const faktory = await RealFaktory.start();
    t.teardown(() => faktory.stop());
    const street = new Street(t, faktory);
    await street.open();
    const market = new Market(street.bouncer.port);
    market.open(PLAN);
    const load = async (): Promise<void> => {
      const enough = market.acknowledged.size + PLAN.jobsBetween;
      await until(() => market.acknowledged.size >= enough, { what: 'load', withinMs: 120_000 });
    };
    await load();

    for (let i = 1; i <= PLAN.reloads; i += 1) {
      const isBad = i % 2 === 0;
      const result = await street.bouncer.reload(
        isBad
          ? { 'limits.clients': 0 }
          : { 'limits.fetches_in_flight': 100 + i, 'pool.linger': '1s' },
      );
      t.equal(result.kind, isBad ? 'refused' : 'applied');
      await load();
    }
    t.equal(market.closed + market.notConnected, 0, 'no reload costs a connection');

    for (let i = 0; i < PLAN.handOvers; i += 1) {
      const before = street.bouncer;
      await street.open();
      await before.drain();
      t.equal(before.snapshot().strayJobs, 0);
      await load();
    }

    const { bouncer } = street.bouncer;
    const closedBefore = market.closed;
    bouncer.pause();
    await until(
      () => {
        const { fetches, commandLane } = bouncer.snapshot();
        return fetches.inFlight === 0 && commandLane.outstanding === 0;
      },
      { what: 'nothing to be at Faktory' },
    );
    await faktory.terminate();
    await faktory.startAgain();
    await street.bouncer.isUp();
    bouncer.resume();
    await load();
    t.equal(market.closed, closedBefore, 'the pause costs no connection');

    await street.bouncer.drain();
    await street.open();
    await load();

    market.stopProducers();
    const isWorkedOff = async (): Promise<boolean> =>
      [...(await heldByFaktory(faktory)).values()].every(
        (at) => !at.includes('queued') && !at.includes('working'),
      );
    await until(isWorkedOff, { what: 'the queue to be worked off', withinMs: 120_000 });
    await market.stop(() => street.bouncer.drain());

    const held = await heldByFaktory(faktory);
    const lost = market.pushed.filter((jid) => !market.acknowledged.has(jid) && !held.has(jid));
    t.comment(
      `${market.pushed.length} acknowledged PUSHes, ${market.acknowledged.size} jobs done, ` +
        `${held.size} held; ${market.closed} connections closed, ${market.notConnected} connects ` +
        `failed, refusals ${JSON.stringify([...market.refusals])}`,
    );
    t.same(lost, [], 'none is lost');
    t.same(
      [...market.got].filter(([, times]) => times > 1),
      [],
      'none is handed out twice',
    );
    t.same([...market.errors], [], 'no command reads an error');
    const stopping = 'ERR faktory-bouncer is stopping; connect again';
    t.same(
      [...market.refusals.keys()].filter((text) => text !== stopping),
      [],
    );
  },
);
