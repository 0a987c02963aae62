// Turns of the event loop, as sockets see them.

import { setImmediate as nextTurn } from 'node:timers/promises';
import t from 'tap';
import { Turns } from '../../src/base/turns.ts';
import { FakeClock } from '../support/fake-clock.ts';

t.test('all events of one turn are one turn, which began with the first', async (t) => {
  const clock = new FakeClock();
  const turns = new Turns(clock);
  clock.advance(10);
  t.equal(turns.event(), 10);
  clock.advance(5);
  t.equal(turns.event(), 15);
  t.equal(turns.count, 1);
  await nextTurn();
  clock.advance(5);
  t.equal(turns.event(), 20);
  t.equal(turns.count, 2);
  t.equal(turns.previousStartedAt, 10);
});

t.test('within a turn now is the event, outside of any it is the clock', async (t) => {
  const clock = new FakeClock();
  const turns = new Turns(clock);
  clock.advance(10);
  turns.event();
  clock.advance(7);
  t.equal(turns.now(), 10);
  await nextTurn();
  t.equal(turns.now(), 17);
});
