// What an operator does to a bouncer with clients: reloads, hand-overs of the port, a restart of Faktory
// within a pause, SIGTERM. Promise: every acknowledged job is done or still Faktory's, and clients read
// no error but those that docs/operations.md names. Short by default; DRILL=long takes minutes.

import t from 'tap';
import { type Held, heldByFaktory, heldInTheEnd } from '../support/held-jobs.ts';
import { RealFaktory, requireFaktory } from '../support/real-faktory.ts';
import { until } from '../support/waiting.ts';
import { Market } from './support/market.ts';
import { Street } from './support/street.ts';

const missing = requireFaktory(t) === undefined;

const PLANS = {
  short: {
    crowd: { producers: 6, pushesPerSecond: 150, workers: 12, waiters: 10, idle: 12 },
    reloads: 8,
    handOvers: 2,
    jobsBetween: 40,
  },
  long: {
    crowd: { producers: 100, pushesPerSecond: 500, workers: 300, waiters: 600, idle: 1000 },
    reloads: 20,
    handOvers: 10,
    jobsBetween: 1500,
  },
} as const;
const PLAN = PLANS[process.env['DRILL'] === 'long' ? 'long' : 'short'];
const { crowd } = PLAN;
const CLIENTS = crowd.producers + crowd.workers + crowd.waiters + crowd.idle;

t.test(
  'an operator at work costs no job, and no error that is not named',
  { skip: missing },
  async (t) => {
    const faktory = await RealFaktory.start();
    t.teardown(() => faktory.stop());
    const street = new Street(t, {
      server: { url: `tcp://127.0.0.1:${faktory.port}` },
      mode: 'pooled',
      // The longest: Faktory's restart takes its time on a busy machine, and so does a stop.
      pool: { outage_wait: '1m' },
      // Two at a time are there: together they stay under what Faktory bears.
      limits: { server_connections: 440, fetches_in_flight: 400, commands_in_flight: 250 },
      drain_timeout: '2m',
      // A busy machine is slow, and this is no test of its speed.
      handshake_timeout: '1m',
      waiting_line: { timeout: '1m' },
    });
    await street.open();
    const market = new Market(street.bouncer.port);
    const sinceThen = stopwatch();
    market.open(crowd);
    const everybodyIsIn = async (): Promise<void> => {
      await until(() => market.connected === CLIENTS, {
        what: `${CLIENTS} clients to be connected`,
        withinMs: 120_000,
      });
    };
    const load = async (): Promise<void> => {
      await everybodyIsIn();
      const enough = market.acknowledged.size + PLAN.jobsBetween;
      await until(() => market.acknowledged.size >= enough, { what: 'load', withinMs: 120_000 });
    };
    /** Says how fast jobs were pushed and done, and what it cost, since the last step. */
    const before = { pushed: 0, done: 0, closed: 0, notConnected: 0 };
    const told = (step: string): void => {
      const seconds = sinceThen();
      const now = {
        pushed: market.pushed.length,
        done: market.acknowledged.size,
        closed: market.closed,
        notConnected: market.notConnected,
      };
      t.comment(
        `${step}: ${seconds.toFixed(1)} s, ` +
          `${((now.pushed - before.pushed) / seconds).toFixed(0)} PUSHes/s, ` +
          `${((now.done - before.done) / seconds).toFixed(0)} jobs done/s, ` +
          `${now.closed - before.closed} connections closed, ` +
          `${now.notConnected - before.notConnected} connects failed`,
      );
      Object.assign(before, now);
    };
    await everybodyIsIn();
    told(`${CLIENTS} clients connect`);
    await load();
    told('nothing happens');

    const { bouncer: reloaded } = street;
    for (let i = 1; i <= PLAN.reloads; i += 1) {
      const isBad = i % 2 === 0;
      const configuration = street.configuration(
        isBad ? { clients: 0 } : { fetches_in_flight: 300 + i, server_connections: 440 - i },
      );
      const outcome =
        i % 4 < 2
          ? await reloaded.reloadBySignal(configuration)
          : await reloaded.reloadByApi(configuration);
      t.equal(outcome, isBad ? 'refused' : 'applied');
      await load();
    }
    told(`${PLAN.reloads} reloads`);
    t.equal(market.closed, 0, 'no reload costs a connection');
    t.same([...market.unanswered], [], 'nor a reply');

    for (let i = 0; i < PLAN.handOvers; i += 1) {
      const first = street.bouncer;
      await street.open();
      t.equal(await first.stop(), 0);
      await load();
    }
    told(`${PLAN.handOvers} hand-overs`);
    const unansweredBefore = new Map(market.unanswered);

    const { bouncer } = street;
    const closedBefore = market.closed;
    await bouncer.act('pause');
    await until(
      async () =>
        (await bouncer.metric('fetches_in_flight')) === 0 &&
        (await bouncer.metric('command_lane_outstanding')) === 0,
      { what: 'nothing to be at Faktory' },
    );
    await faktory.terminate();
    await faktory.startAgain();
    await until(async () => (await bouncer.metric('faktory_up')) === 1, {
      what: 'Faktory to be up again',
      withinMs: 30_000,
    });
    await bouncer.act('resume');
    await load();
    told('a restart of Faktory in a pause');
    t.equal(market.closed, closedBefore, 'the pause costs no connection');
    t.same([...market.unanswered], [...unansweredBefore], 'nor a reply');

    t.equal(await bouncer.stop(), 0);
    await street.open();
    await load();
    told('SIGTERM, and a start');

    market.stopProducers();
    const isWorkedOff = async (): Promise<boolean> =>
      [...(await heldByFaktory(faktory)).values()].every(
        (at) => !at.includes('queued') && !at.includes('working'),
      );
    await until(isWorkedOff, { what: 'the queue to be worked off', withinMs: 120_000 });
    await market.stop(() => street.bouncer.stop());

    const lostFrom = (held: Held): readonly string[] =>
      market.pushed.filter((jid) => !market.acknowledged.has(jid) && !held.has(jid));
    const held = await heldInTheEnd(faktory, (held) => lostFrom(held).length === 0);
    const lost = lostFrom(held);
    t.comment(
      `Faktory ${faktory.version}, ${CLIENTS} clients: ${market.pushed.length} acknowledged PUSHes, ` +
        `${market.acknowledged.size} jobs done, ${held.size} held; ` +
        `${market.closed} connections closed, ${market.notConnected} connects failed, ` +
        `closed before the reply: ${JSON.stringify([...market.unanswered])}, ` +
        `refusals: ${JSON.stringify([...market.refusals])}`,
    );
    t.same(lost, [], 'none is lost');
    t.same(
      market.unansweredPushes.filter((jid) => market.got.has(jid) || held.has(jid)),
      [],
      'a PUSH that met the close of its connection was not executed',
    );
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

/** Tells the seconds since its last call. */
function stopwatch(): () => number {
  let lastAt = performance.now();
  return () => {
    const seconds = (performance.now() - lastAt) / 1000;
    lastAt += seconds * 1000;
    return seconds;
  };
}
