// Who leaves when, as a bouncer stops.

import t from 'tap';
import type { ListedClient } from '../../src/client/client-connections.ts';
import { Departure } from '../../src/client/departure.ts';

/** So many clients, and how many of them have been asked to leave. */
function departure(count: number, spreadMs: number) {
  let asked = 0;
  const client = { drain: () => (asked += 1) } as unknown as ListedClient;
  const clients = Array.from({ length: count }, () => client);
  return { turns: new Departure(clients, spreadMs), asked: () => asked };
}

t.test('100 leave in one turn, 101 in two', async (t) => {
  for (const [count, firstTurn] of [
    [0, 0],
    [100, 100],
    [101, 100],
  ] as const) {
    const { turns, asked } = departure(count, 60_000);
    t.equal(turns.isLastTurn, count <= 100, String(count));
    turns.takeTurn();
    t.equal(asked(), firstTurn);
    t.ok(turns.isLastTurn);
    turns.takeTurn();
    t.equal(asked(), count, 'each is asked once');
  }
});

t.test('all have had their turn by the end of the spread, however many they are', async (t) => {
  const { turns, asked } = departure(10_000, 1000);
  for (let turn = 1; turn < 10; turn += 1) {
    t.notOk(turns.isLastTurn);
    turns.takeTurn();
    t.equal(asked(), turn * 1000);
  }
  t.ok(turns.isLastTurn);
  const atOnce = departure(10_000, 0);
  t.ok(atOnce.turns.isLastTurn, 'drain_timeout may be 0');
});
