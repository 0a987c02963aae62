// A line whose members can leave, and the small queue of the hot path, against plain arrays.

import { deepEqual, equal } from 'node:assert/strict';
import * as fc from 'fast-check';
import t from 'tap';
import { Fifo } from '../../src/base/fifo.ts';
import { Line, type Seat } from '../../src/base/line.ts';

type Step = 'join' | 'shift' | { readonly leave: number };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: fc.constant<Step>('join') },
    fc.constant<Step>('shift'),
    fc.nat(40).map((at): Step => ({ leave: at })),
  ),
  { maxLength: 120 },
);

t.test('any sequence of join, leave and shift gives what an array would', async () => {
  fc.assert(
    fc.property(steps, (steps) => {
      const line = new Line<number>();
      const seats: Seat<number>[] = [];
      let model: number[] = [];
      for (const step of steps) {
        if (step === 'join') {
          model.push(seats.length);
          seats.push(line.join(seats.length));
        } else if (step === 'shift') {
          equal(line.shift(), model.shift());
        } else {
          const left = seats[step.leave]?.leave() ?? false;
          equal(left, model.includes(step.leave));
          model = model.filter((member) => member !== step.leave);
        }
        equal(line.length, model.length);
        equal(line.first, model[0]);
        deepEqual([...line], model);
      }
    }),
  );
});

t.test('a seat that was left twice changes the line once', async (t) => {
  const line = new Line<string>();
  const seat = line.join('a');
  line.join('b');
  t.equal(seat.hasLeft, false);
  t.equal(seat.leave(), true);
  t.equal(seat.leave(), false);
  t.equal(seat.hasLeft, true);
  t.equal(line.length, 1);
});

t.test('a seat that was left holds none of its former neighbours', async (t) => {
  const line = new Line<string>();
  line.join('before');
  const seat = line.join('middle');
  line.join('behind');
  seat.leave();
  t.equal(seat.before, null);
  t.equal(seat.behind, null);
  t.strictSame([...line], ['before', 'behind']);
});

t.test(
  'members that leave while the line is walked are left out, all others are met',
  async (t) => {
    const line = new Line<number>();
    const seats = [0, 1, 2, 3, 4, 5].map((n) => line.join(n));
    const met: number[] = [];
    for (const member of line) {
      met.push(member);
      if (member === 1) for (const at of [1, 2, 3]) seats[at]?.leave();
    }
    t.strictSame(met, [0, 1, 4, 5]);
  },
);

t.test('a fifo of any length gives back what was put in, in order', async () => {
  const step = fc.oneof({ weight: 2, arbitrary: fc.constant('push') }, fc.constant('shift'));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const fifo = new Fifo<number>();
      const model: number[] = [];
      steps.forEach((step, n) => {
        if (step === 'push') {
          fifo.push(n);
          model.push(n);
        } else {
          equal(fifo.shift(), model.shift());
        }
        equal(fifo.length, model.length);
        equal(fifo.peek(), model[0]);
      });
    }),
  );
});

t.test('a fifo that goes round its ring and grows in the middle keeps its order', async (t) => {
  const fifo = new Fifo<number>();
  for (const n of [0, 1, 2]) fifo.push(n);
  for (const n of [0, 1]) t.equal(fifo.shift(), n);
  for (const n of [3, 4, 5, 6, 7]) fifo.push(n);
  t.strictSame(
    Array.from({ length: 7 }, () => fifo.shift()),
    [2, 3, 4, 5, 6, 7, undefined],
  );
});
