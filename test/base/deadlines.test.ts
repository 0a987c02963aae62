// Equal deadlines on one timer, and the sockets that linger.

import { deepEqual, equal } from 'node:assert/strict';
import { Socket } from 'node:net';
import * as fc from 'fast-check';
import t from 'tap';
import { Deadlines } from '../../src/base/deadlines.ts';
import { Lingering } from '../../src/base/lingering.ts';
import { FakeClock } from '../support/fake-clock.ts';

const DELAY_MS = 100;

interface Told {
  readonly value: string;
  readonly at: number;
}

function set(): { clock: FakeClock; told: Told[]; deadlines: Deadlines<string> } {
  const clock = new FakeClock();
  const told: Told[] = [];
  const deadlines = new Deadlines<string>(
    clock,
    () => DELAY_MS,
    (value) => told.push({ value, at: clock.now() }),
  );
  return { clock, told, deadlines };
}

t.test('each entry is told once, in order, exactly when its own delay is over', async (t) => {
  const { clock, told, deadlines } = set();
  deadlines.add('a');
  clock.advance(30);
  deadlines.add('b');
  deadlines.add('c');
  clock.advance(69);
  t.strictSame(told, []);
  t.equal(deadlines.size, 3);
  clock.advance(1000);
  t.strictSame(told, [
    { value: 'a', at: 100 },
    { value: 'b', at: 130 },
    { value: 'c', at: 130 },
  ]);
  t.equal(deadlines.size, 0);
  t.equal(clock.timers, 0);
});

t.test('an entry that was cancelled is never told, and the others are on time', async (t) => {
  const { clock, told, deadlines } = set();
  const first = deadlines.add('first');
  clock.advance(10);
  const middle = deadlines.add('middle');
  clock.advance(10);
  const last = deadlines.add('last');
  first.cancel();
  middle.cancel();
  middle.cancel();
  t.equal(deadlines.size, 1);
  clock.advance(1000);
  t.strictSame(told, [{ value: 'last', at: 120 }]);
  last.cancel();
  t.equal(deadlines.size, 0);
});

t.test('ten thousand entries cost one timer', async (t) => {
  const { clock, told, deadlines } = set();
  for (let n = 0; n < 10_000; n += 1) deadlines.add('x');
  t.equal(clock.timers, 1);
  clock.advance(DELAY_MS);
  t.equal(told.length, 10_000);
  t.equal(clock.timers, 0);
});

t.test(
  'an entry that is added while another is told does not put off those in between',
  async (t) => {
    const clock = new FakeClock();
    const told: Told[] = [];
    const deadlines: Deadlines<string> = new Deadlines(
      clock,
      () => DELAY_MS,
      (value) => {
        told.push({ value, at: clock.now() });
        if (value === 'a') deadlines.add('again');
      },
    );
    deadlines.add('a');
    clock.advance(10);
    deadlines.add('b');
    clock.advance(1000);
    t.strictSame(told, [
      { value: 'a', at: 100 },
      { value: 'b', at: 110 },
      { value: 'again', at: 200 },
    ]);
  },
);

t.test(
  'an entry that throws when it is told does not keep the others from being told',
  async (t) => {
    const clock = new FakeClock();
    const told: string[] = [];
    const deadlines = new Deadlines<string>(
      clock,
      () => DELAY_MS,
      (value) => {
        if (value === 'throws') throw new Error('of an entry');
        told.push(value);
      },
    );
    for (const value of ['throws', 'b', 'c']) deadlines.add(value);
    t.throws(() => clock.advance(1000), { message: 'of an entry' });
    clock.advance(1000);
    t.strictSame(told, ['b', 'c']);
  },
);

t.test('whatever is added and cancelled when, all that is left is told on time', async () => {
  const entry = fc.record({ waitMs: fc.nat(60), cancelled: fc.boolean() });
  fc.assert(
    fc.property(fc.array(entry, { size: 'max', maxLength: 30 }), (entries) => {
      const { clock, told, deadlines } = set();
      const expected: Told[] = [];
      entries.forEach(({ waitMs, cancelled }, n) => {
        clock.advance(waitMs);
        const deadline = deadlines.add(`${n}`);
        if (cancelled) deadline.cancel();
        else expected.push({ value: `${n}`, at: clock.now() + DELAY_MS });
      });
      clock.advance(DELAY_MS);
      deepEqual(told, expected);
      equal(clock.timers, 0);
    }),
  );
});

t.test(
  'a lingering socket is destroyed at the bound, one that closed before is let go',
  async (t) => {
    const clock = new FakeClock();
    const lingering = new Lingering(clock, DELAY_MS);
    const [slow, closed] = [new Socket(), new Socket()];
    lingering.add(slow);
    lingering.add(closed);
    clock.advance(50);
    lingering.add(slow);
    lingering.remove(closed);
    lingering.remove(closed);
    clock.advance(49);
    t.equal(slow.destroyed, false);
    clock.advance(1);
    t.equal(slow.destroyed, true, 'adding it again does not put its end off');
    t.equal(closed.destroyed, false);
    clock.advance(1000);
    t.equal(closed.destroyed, false);
    t.equal(clock.timers, 0);
    closed.destroy();
  },
);
