// Timers whose acts throw.

import t from 'tap';
import { Deadlines } from '../../src/base/deadlines.ts';
import { GuardedClock } from '../../src/base/guarded-clock.ts';
import { FakeClock } from '../support/fake-clock.ts';

t.test('an act that throws is told, and the other timers go on', async (t) => {
  const inner = new FakeClock();
  const errors: unknown[] = [];
  const clock = new GuardedClock(inner, (error) => errors.push(error));
  const acts: string[] = [];
  clock.after(10, () => {
    throw new Error('first');
  });
  clock.after(10, () => acts.push('second'));
  clock.after(10, () => acts.push('third')).cancel();
  inner.advance(10);
  t.match(errors, [{ message: 'first' }]);
  t.strictSame(acts, ['second']);
  t.strictSame([clock.now(), clock.idleMs(), clock.wallMs()], [10, 10, inner.wallMs()]);
});

t.test('deadlines on it survive an entry that throws', async (t) => {
  const inner = new FakeClock();
  const errors: unknown[] = [];
  const told: string[] = [];
  const deadlines = new Deadlines<string>(
    new GuardedClock(inner, (error) => errors.push(error)),
    () => 10,
    (value) => {
      if (value === 'bad') throw new Error(value);
      told.push(value);
    },
  );
  for (const value of ['a', 'bad', 'b']) deadlines.add(value);
  inner.advance(20);
  t.strictSame(told, ['a', 'b']);
  t.equal(errors.length, 1);
});
