// Work done step by step: once at a time, again on request, and on past a step that throws.

import t from 'tap';
import { Pump } from '../../src/base/pump.ts';

t.test('steps are done until there is nothing to do, and again at the next call', async (t) => {
  const left = ['a', 'b'];
  const done: string[] = [];
  const pump = new Pump(
    () => {
      const next = left.shift();
      if (next === undefined) return 'done';
      done.push(next);
      return 'more';
    },
    () => t.fail('no step throws'),
  );
  t.equal(pump.run(), true);
  t.strictSame(done, ['a', 'b']);
  left.push('c');
  t.equal(pump.run(), true);
  t.strictSame(done, ['a', 'b', 'c']);
});

t.test(
  'a call from within is no loop within a loop: the running one goes round again',
  async (t) => {
    let rounds = 0;
    const depths: boolean[] = [];
    const pump: Pump = new Pump(
      () => {
        rounds += 1;
        if (rounds < 3) depths.push(pump.run());
        t.equal(pump.isRunning, true);
        return 'done';
      },
      () => t.fail('no step throws'),
    );
    t.equal(pump.run(), true);
    t.strictSame(depths, [false, false]);
    t.equal(rounds, 3);
    t.equal(pump.isRunning, false);
  },
);

t.test('ten thousand steps that each call again need no stack', async (t) => {
  let left = 10_000;
  const pump: Pump = new Pump(
    () => {
      if (left === 0) return 'done';
      left -= 1;
      pump.run();
      return 'more';
    },
    () => t.fail('no step throws'),
  );
  pump.run();
  t.equal(left, 0);
});

t.test('a step that throws is told, and the steps behind it have their turn', async (t) => {
  const left = ['a', 'throws', 'b'];
  const done: string[] = [];
  const errors: unknown[] = [];
  const pump = new Pump(
    () => {
      const next = left.shift();
      if (next === undefined) return 'done';
      if (next === 'throws') throw new Error('of a step');
      done.push(next);
      return 'more';
    },
    (error) => errors.push(error),
  );
  pump.run();
  t.strictSame(done, ['a', 'b']);
  t.match(errors, [new Error('of a step')]);
  left.push('c');
  pump.run();
  t.strictSame(done, ['a', 'b', 'c'], 'the pump still works');
});

t.test('a handler that throws ends the call, not the pump', async (t) => {
  const left = ['throws', 'a'];
  const done: string[] = [];
  const pump = new Pump(
    () => {
      const next = left.shift();
      if (next === undefined) return 'done';
      if (next === 'throws') throw new Error('of a step');
      done.push(next);
      return 'more';
    },
    (error) => {
      throw error;
    },
  );
  t.throws(() => pump.run(), { message: 'of a step' });
  t.equal(pump.isRunning, false);
  pump.run();
  t.strictSame(done, ['a']);
});
