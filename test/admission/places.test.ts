// Places under a limit of which this bouncer leases a part.

import t from 'tap';
import { Places } from '../../src/admission/places.ts';
import { Limit } from '../../src/base/limit.ts';
import { Live } from '../../src/base/live.ts';

function placesOf(limit: number, reserve: number) {
  const serverConnections = new Limit(limit);
  return {
    serverConnections,
    places: new Places({ serverConnections, producerReserve: new Live(reserve) }),
  };
}

t.test('of a lease the same part is kept for producers, never less', async (t) => {
  const { serverConnections, places } = placesOf(900, 90);
  t.equal(places.producerReserve, 90);
  for (const [leased, reserve] of [
    [900, 90],
    [300, 30],
    [301, 31],
    [1, 1],
    [0, 0],
  ] as const) {
    serverConnections.set('leased', leased);
    t.equal(places.producerReserve, reserve, `of ${leased}`);
    t.equal(places.shareOf('worker'), leased - reserve);
    t.equal(places.shareOf('producer'), leased);
  }
});

t.test('a limit that is low for another reason keeps its whole reserve', async (t) => {
  const { serverConnections, places } = placesOf(900, 90);
  serverConnections.set('adapted', 100);
  t.equal(places.producerReserve, 90);
});

t.test('it is told when the last place is taken, and when there was none', async (t) => {
  const { places } = placesOf(2, 0);
  let told = 0;
  places.onScarce(() => {
    told += 1;
  });
  places.take('worker');
  t.equal(told, 0);
  const last = places.take('worker');
  t.equal(told, 1);
  t.equal(places.take('worker'), null);
  t.equal(told, 2);
  last?.release();
  t.equal(told, 2);
});
