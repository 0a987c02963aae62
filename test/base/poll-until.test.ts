// Waiting for a condition that nobody announces, over a clock that the test moves.

import t from 'tap';
import { pollUntil } from '../../src/base/poll-until.ts';
import { FakeClock } from '../support/fake-clock.ts';

t.test('it resolves at once, when the condition holds, or at the deadline', async (t) => {
  const clock = new FakeClock();
  await pollUntil(clock, () => true, Infinity);
  t.equal(clock.timers, 0);

  let holds = false;
  let isOver = false;
  const waiting = pollUntil(clock, () => holds, Infinity).then(() => (isOver = true));
  clock.advance(1000);
  await new Promise(setImmediate);
  t.equal(isOver, false);
  holds = true;
  clock.advance(20);
  await waiting;
  t.equal(clock.timers, 0);

  const late = pollUntil(clock, () => false, clock.now() + 100);
  clock.advance(100);
  await late;
  t.equal(clock.timers, 0);
});
