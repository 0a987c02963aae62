// A line in which ranks decide: the first is always the lowest, whoever joins and leaves.

import { equal } from 'node:assert/strict';
import * as fc from 'fast-check';
import t from 'tap';
import { RankedLine, type RankedSeat } from '../../src/base/ranked-line.ts';

t.test('the lowest rank is first, and leaving twice is harmless', async (t) => {
  const line = new RankedLine<string>();
  t.equal(line.first, undefined);
  const b = line.join(2, 'b');
  const a = line.join(1, 'a');
  line.join(3, 'c');
  t.equal(line.first?.value, 'a');
  line.leave(a);
  line.leave(a);
  t.equal(line.first?.value, 'b');
  t.equal(line.length, 2);
  line.leave(b);
  t.equal(line.first?.value, 'c');
});

const step = fc.oneof(
  fc.record({ kind: fc.constant('join' as const), rank: fc.nat(1000) }),
  fc.record({ kind: fc.constant('leave' as const), who: fc.nat(1000) }),
);

t.test('against a sorted list, the first is the same after every step', async () => {
  fc.assert(
    fc.property(fc.array(step, { size: 'max', maxLength: 300 }), (steps) => {
      const line = new RankedLine<number>();
      let seats: RankedSeat<number>[] = [];
      for (const step of steps) {
        if (step.kind === 'join') {
          seats.push(line.join(step.rank, step.rank));
        } else if (seats.length > 0) {
          const seat = seats[step.who % seats.length] as RankedSeat<number>;
          line.leave(seat);
          line.leave(seat);
          seats = seats.filter((other) => other !== seat);
        }
        equal(line.length, seats.length);
        const lowest = seats.reduce((min, { rank }) => Math.min(min, rank), Infinity);
        equal(line.first?.rank ?? Infinity, lowest);
      }
    }),
    { numRuns: 300 },
  );
});
