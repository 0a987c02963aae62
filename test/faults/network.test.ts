// The network between clients and the bouncer, and between the bouncer and Faktory, is slow, broken, or
// loses connections without a sign.

import t from 'tap';
import { requireFaktory } from '../support/real-faktory.ts';
import { until } from '../support/waiting.ts';
import type { BadNetwork, Weather } from './support/bad-network.ts';
import { MODES, ordeal, type Ordeal } from './support/ordeal.ts';

const skip = requireFaktory(t) === undefined;
t.jobs = 2;

/** Silence is found out soon. */
const OFTEN_ASKED = { 'server.info_interval': '1s' };

const SLOW: readonly Weather[] = [
  { kind: 'delay', delayMs: 40 },
  { kind: 'throttle', bytesPerSecond: 4000 },
  { kind: 'split' },
];

function networksOf({ networks }: Ordeal): readonly BadNetwork[] {
  if (networks === null) throw new Error('Cannot find the networks of this ordeal');
  return [networks.front, networks.back];
}

for (const mode of MODES) {
  t.test(
    `replies that are late, slow and in single bytes (${mode})`,
    { skip, buffered: true },
    (t) =>
      // A client with all the time in the world: only the network could cost it its connection.
      ordeal(t, mode, { networks: true, patienceMs: 120_000 }, async (house) => {
        for (const network of networksOf(house)) {
          for (const weather of SLOW) {
            network.become(weather);
            await house.works();
          }
          network.become({ kind: 'fair' });
        }
        t.equal(house.market.closed, 0, 'none of it costs a connection');
      }),
  );

  t.test(
    `connections that are closed, reset, and reset within a reply (${mode})`,
    { skip, buffered: true },
    (t) =>
      ordeal(t, mode, { networks: true }, async (house) => {
        for (const network of networksOf(house)) {
          for (const how of ['fin', 'reset'] as const) {
            network.cut(how);
            await house.works();
          }
          network.cutReplies(10);
          await until(() => network.cutsLeft === 0, {
            what: 'ten replies to be cut',
            withinMs: 60_000,
          });
          await house.works();
        }
        // A job in a reply that was cut waits for its reservation: it is held, and not lost.
      }),
  );

  t.test(`a network on which nothing passes for a while (${mode})`, { skip, buffered: true }, (t) =>
    ordeal(t, mode, { networks: true, overrides: OFTEN_ASKED }, async (house) => {
      for (const network of networksOf(house)) {
        const closedBefore = house.market.closed;
        const isNoticed = (): boolean =>
          house.market.closed > closedBefore || !house.bouncer.snapshot().faktory.up;
        network.become({ kind: 'silence' });
        await until(isNoticed, {
          what: 'somebody to notice',
          withinMs: 60_000,
        });
        network.become({ kind: 'fair' });
        await house.bouncer.isUp();
        await house.works();
      }
    }),
  );

  t.test(
    `connections to Faktory that are lost without a sign are given up (${mode})`,
    { skip, buffered: true },
    (t) => {
      const overrides = { ...OFTEN_ASKED, 'server.answer_timeout': '6s' };
      return ordeal(t, mode, { networks: true, overrides }, async (house) => {
        const { networks, bouncer } = house;
        const { ends } = bouncer.bouncer.counts.server;
        networks?.back.loseAll();
        await until(() => ends.values.unanswered > 1, {
          what: 'the own connection and others to be given up',
          withinMs: 60_000,
        });
        await house.works();
        const metric = 'server_connections{lane="session",state="closing"}';
        await bouncer.metricIs(metric, 0, 30_000);
      });
    },
  );
}
