// A line in which keys take turns: order, leaving from anywhere, and that nothing is kept.

import t from 'tap';
import { FairLine } from '../../src/base/fair-line.ts';

const any = (): boolean => true;

t.test('keys take turns, and each is first in first out', async (t) => {
  const line = new FairLine<string>();
  for (const value of ['a1', 'a2', 'a3', 'b1', 'c1', 'b2']) line.join(value.slice(0, 1), value);
  const order = Array.from({ length: 7 }, () => line.shift(any));
  t.strictSame(order, ['a1', 'b1', 'c1', 'a2', 'b2', 'a3', undefined]);
  t.equal(line.keys, 0);
});

t.test('a key that may not go keeps its place, and nobody else waits for it', async (t) => {
  const line = new FairLine<string>();
  for (const value of ['a1', 'b1', 'b2']) line.join(value.slice(0, 1), value);
  const notA = (key: string): boolean => key !== 'a';
  t.equal(line.shift(notA), 'b1');
  t.equal(line.shift(any), 'a1');
  t.equal(line.shift(notA), 'b2');
  t.equal(line.shift(any), undefined);
});

t.test(
  'whoever leaves is not served, twice is harmless, and an empty key is forgotten',
  async (t) => {
    const line = new FairLine<string>();
    const [a1, a2] = [line.join('a', 'a1'), line.join('a', 'a2')];
    const b1 = line.join('b', 'b1');
    a1.leave();
    a1.leave();
    t.equal(line.keys, 2);
    t.equal(line.shift(any), 'a2');
    a2.leave();
    b1.leave();
    t.equal(line.keys, 0);
    t.equal(line.shift(any), undefined);
    line.join('a', 'a3');
    a2.leave();
    t.equal(line.shift(any), 'a3', 'an old seat does not touch a new line of the same key');
  },
);
