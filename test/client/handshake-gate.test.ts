// How many are in the handshake at a time: n are greeted, n + 1 when one has left; one that cannot be
// greeted keeps nobody else out.

import t from 'tap';
import { Limit } from '../../src/base/limit.ts';
import { type GateVisitor, HandshakeGate } from '../../src/client/handshake-gate.ts';

class Visitor implements GateVisitor {
  readonly #onGreeted: () => void;
  greetings = 0;

  constructor(onGreeted: () => void = () => {}) {
    this.#onGreeted = onGreeted;
  }

  greet(): void {
    this.greetings += 1;
    this.#onGreeted();
  }
}

const noBug = (error: unknown): never => {
  throw error;
};

t.test('n are greeted, n + 1 when one has left, and again when the limit is raised', async (t) => {
  const limit = new Limit(2);
  const gate = new HandshakeGate<Visitor>(limit, noBug);
  const visitors = Array.from({ length: 5 }, () => new Visitor());
  const greeted = (): number[] => visitors.map(({ greetings }) => greetings);
  for (const visitor of visitors) gate.arrive(visitor);
  t.strictSame(greeted(), [1, 1, 0, 0, 0]);
  gate.leave(visitors[0] as Visitor);
  t.strictSame(greeted(), [1, 1, 1, 0, 0], 'first come, first served');
  gate.leave(visitors[3] as Visitor);
  t.strictSame(greeted(), [1, 1, 1, 0, 0], 'one that waited and left takes nobody along');
  limit.set('configured', 3);
  t.strictSame(greeted(), [1, 1, 1, 0, 1]);
  t.equal(gate.inside, 3);
});

t.test('ten thousand that leave as soon as they are greeted need no stack', async (t) => {
  const gate = new HandshakeGate<Visitor>(new Limit(1), noBug);
  const first = new Visitor();
  gate.arrive(first);
  const others = Array.from({ length: 10_000 }, () => {
    const visitor: Visitor = new Visitor(() => gate.leave(visitor));
    return visitor;
  });
  for (const visitor of others) gate.arrive(visitor);
  gate.leave(first);
  t.ok(others.every(({ greetings }) => greetings === 1));
  t.equal(gate.inside, 0);
});

t.test('one whose greeting throws is told, and those behind it are greeted', async (t) => {
  const bugs: unknown[] = [];
  const gate = new HandshakeGate<Visitor>(new Limit(2), (error) => bugs.push(error));
  const first = new Visitor();
  gate.arrive(first);
  gate.arrive(new Visitor());
  const faulty = new Visitor(() => {
    throw new Error('of a greeting');
  });
  const behind = new Visitor();
  gate.arrive(faulty);
  gate.arrive(behind);
  gate.leave(first);
  t.match(bugs, [new Error('of a greeting')]);
  gate.leave(faulty);
  t.equal(behind.greetings, 1);
  const late = new Visitor();
  gate.arrive(late);
  gate.leave(behind);
  t.equal(late.greetings, 1, 'the gate goes on for those who come later');
});
