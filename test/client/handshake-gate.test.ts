// How many are in the handshake at a time: n are greeted, n + 1 when one has left; one that cannot be
// greeted keeps nobody else out.

import t from 'tap';
import { Limit } from '../../src/base/limit.ts';
import {
  type GateParts,
  type GateVisitor,
  HandshakeGate,
  SLOWED_INSIDE_MAX,
} from '../../src/client/handshake-gate.ts';

class Visitor implements GateVisitor {
  readonly #onGreeted: () => void;
  greetings = 0;

  readonly address: string;

  constructor(onGreeted: () => void = () => {}, address = '10.0.0.5') {
    this.#onGreeted = onGreeted;
    this.address = address;
  }

  greet(): void {
    this.greetings += 1;
    this.#onGreeted();
  }
}

const noBug = (error: unknown): never => {
  throw error;
};

function gateWith(parts: Partial<GateParts>): HandshakeGate<Visitor> {
  return new HandshakeGate({ limit: new Limit(2), isSlowed: () => false, onBug: noBug, ...parts });
}

t.test('n are greeted, n + 1 when one has left, and again when the limit is raised', async (t) => {
  const limit = new Limit(2);
  const gate = gateWith({ limit });
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
  const gate = gateWith({ limit: new Limit(1) });
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
  const gate = gateWith({ limit: new Limit(2), onBug: (error) => bugs.push(error) });
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

const visitorsFrom = (address: string, count: number): Visitor[] =>
  Array.from({ length: count }, () => new Visitor(undefined, address));

const greetedOf = (visitors: readonly Visitor[]): number =>
  visitors.filter(({ greetings }) => greetings === 1).length;

t.test('an address with a thousand that wait takes no turn from one with one', async (t) => {
  const gate = gateWith({ limit: new Limit(1) });
  const storm = visitorsFrom('10.0.0.5', 1000);
  for (const visitor of storm) gate.arrive(visitor);
  const other = new Visitor(undefined, '10.0.0.6');
  gate.arrive(other);
  gate.leave(storm[0] as Visitor);
  t.equal(greetedOf(storm), 2, 'the turn of the one that waited first');
  t.equal(other.greetings, 0);
  gate.leave(storm[1] as Visitor);
  t.equal(other.greetings, 1);
});

t.test(
  'an address that is slowed has few in the handshake, and others all that is left',
  async (t) => {
    let isSlowed = true;
    const gate = gateWith({
      limit: new Limit(100),
      isSlowed: (address) => isSlowed && address === '10.0.0.5',
    });
    const [storm, others] = [visitorsFrom('10.0.0.5', 200), visitorsFrom('10.0.0.6', 200)];
    for (const visitor of [...storm, ...others]) gate.arrive(visitor);
    t.equal(greetedOf(storm), SLOWED_INSIDE_MAX);
    t.equal(greetedOf(others), 100 - SLOWED_INSIDE_MAX);
    for (const visitor of others) gate.leave(visitor);
    t.equal(gate.inside, SLOWED_INSIDE_MAX, 'places are free, and the others of it wait on');
    gate.leave(storm[0] as Visitor);
    t.equal(greetedOf(storm), SLOWED_INSIDE_MAX + 1, 'one for one');
    isSlowed = false;
    gate.leave(storm[1] as Visitor);
    t.equal(gate.inside, 100, 'not slowed any more');
  },
);
