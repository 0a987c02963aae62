// What readers together may have buffered: over the limit exactly one goes on reading.

import { equal, ok } from 'node:assert/strict';
import * as fc from 'fast-check';
import t from 'tap';
import { Live } from '../../src/base/live.ts';
import { BufferBudget } from '../../src/base/buffer-budget.ts';
import type { BufferReader } from '../../src/base/buffer-readers.ts';
import { FakeClock } from '../support/fake-clock.ts';

function budgetOf(bufferedBytes: number): BufferBudget {
  return new BufferBudget(new FakeClock(), new Live({ bufferedBytes }));
}

class Reader implements BufferReader {
  isPaused = false;
  bytes = 0;
  resumed = 0;

  onRoom(): void {
    this.isPaused = false;
    this.resumed += 1;
  }

  /** As a client connection does it. */
  hold(budget: BufferBudget, bytes: number): boolean {
    this.bytes = bytes;
    const mayRead = budget.commands.hold(this, bytes);
    this.isPaused = !mayRead;
    return mayRead;
  }
}

t.test(
  'up to the limit all read, past it the first one only, and at the limit all again',
  async (t) => {
    const budget = budgetOf(100);
    const [a, b, c] = [new Reader(), new Reader(), new Reader()];
    t.equal(a.hold(budget, 60), true);
    t.equal(b.hold(budget, 40), true);
    t.equal(b.hold(budget, 41), true, 'the first past the limit goes on');
    t.equal(a.hold(budget, 61), false);
    t.equal(c.hold(budget, 1), false);
    t.equal(c.hold(budget, 0), true, 'who holds nothing may always read');
    t.equal(budget.commands.holdsUpOthers(b), true);
    t.equal(budget.commands.holdsUpOthers(a), false);
    t.equal(b.hold(budget, 39), true);
    t.equal(budget.usedBytes, 100);
    t.equal(a.isPaused, false);
    t.equal(budget.commands.holdsUpOthers(b), false);
  },
);

t.test('when the one that goes on is done or gone, the next in line goes on', async (t) => {
  const budget = budgetOf(10);
  const [a, b, c, d] = [new Reader(), new Reader(), new Reader(), new Reader()];
  for (const reader of [a, b, c, d]) reader.hold(budget, 20);
  t.strictSame(
    [a, b, c, d].map((reader) => reader.isPaused),
    [false, true, true, true],
  );
  budget.commands.leave(c);
  a.hold(budget, 0);
  t.strictSame([b.resumed, c.resumed, d.resumed], [1, 0, 0]);
  budget.commands.leave(b);
  t.strictSame([b.resumed, c.resumed, d.resumed], [1, 0, 1]);
  budget.commands.leave(d);
  budget.commands.leave(d);
  t.equal(budget.usedBytes, 0);
});

t.test(
  'one that waited and then holds nothing is never made the one that others wait for',
  async (t) => {
    const budget = budgetOf(10);
    const [a, idle, c, d] = [new Reader(), new Reader(), new Reader(), new Reader()];
    for (const reader of [a, idle, c, d]) reader.hold(budget, 20);
    t.equal(idle.hold(budget, 0), true, 'its lines were taken up while it was paused');
    a.hold(budget, 0);
    t.equal(budget.commands.holdsUpOthers(idle), false);
    t.equal(c.isPaused, false);
    t.equal(d.isPaused, true);
  },
);

const step = fc.record({
  who: fc.nat(5),
  bytes: fc.constantFrom(0, 0, 1, 5, 30, 60),
  leaves: fc.boolean(),
});

t.test('past the limit exactly one with bytes reads on, and all read in the end', async () => {
  fc.assert(
    fc.property(fc.array(step, { size: 'max', maxLength: 60 }), (steps) => {
      const budget = budgetOf(50);
      const readers = Array.from({ length: 6 }, () => new Reader());
      const look = (): void => {
        const used = readers.reduce((sum, reader) => sum + reader.bytes, 0);
        equal(budget.usedBytes, used);
        const paused = readers.filter((reader) => reader.isPaused);
        if (used <= 50) equal(paused.length, 0);
        for (const reader of paused) ok(reader.bytes > 0);
        const chosen = readers.filter((reader) => budget.commands.holdsUpOthers(reader));
        equal(chosen.length, paused.length > 0 ? 1 : 0, 'one goes on while others wait');
        for (const reader of chosen) ok(reader.bytes > 0 && !reader.isPaused);
      };
      for (const { who, bytes, leaves } of steps) {
        const reader = readers[who];
        if (reader === undefined) continue;
        // One that is paused receives nothing, but what it holds may be taken up.
        if (reader.isPaused) {
          reader.hold(budget, Math.min(bytes, reader.bytes));
        } else if (leaves && bytes === 0) {
          reader.bytes = 0;
          budget.commands.leave(reader);
        } else {
          reader.hold(budget, bytes);
        }
        look();
      }
      for (let n = 0; n < readers.length; n += 1) {
        const reader = readers.find((reader) => !reader.isPaused && reader.bytes > 0);
        reader?.hold(budget, 0);
        look();
      }
      equal(budget.usedBytes, 0, 'each got its turn to finish');
      equal(readers.filter((reader) => reader.isPaused).length, 0);
    }),
    { numRuns: 1000 },
  );
});
