// Where the next command goes, by what is open and outstanding.

import { equal, ok } from 'node:assert/strict';
import * as fc from 'fast-check';
import t from 'tap';
import {
  type AloneKind,
  CommandConnections,
  type Placing,
  type Seat,
} from '../../src/lanes/command-connections.ts';

const PACKED: Placing = { window: 4, inUse: 16 };
const WIDE: Placing = { window: 1, inUse: 16 };

function open(count: number): { lists: CommandConnections<number>; seats: Seat<number>[] } {
  const lists = new CommandConnections<number>();
  const seats = Array.from({ length: count }, (_, i) => lists.add(i, 0));
  return { lists, seats };
}

/** Sends quick commands until none has room; the connections by name, in order. */
function fill(lists: CommandConnections<number>, placing: Placing): number[] {
  const taken: number[] = [];
  for (;;) {
    const seat = lists.roomForQuick(placing, 100);
    if (seat === null) return taken;
    lists.sent(seat, null);
    taken.push(seat.server);
  }
}

t.test('packed: the first eight evenly, then the rest, up to the window', async (t) => {
  const { lists } = open(12);
  const taken = fill(lists, PACKED);
  t.same(taken.slice(0, 8), [1, 2, 3, 4, 5, 6, 7, 8]);
  t.same(new Set(taken.slice(0, 8 * PACKED.window)), new Set([1, 2, 3, 4, 5, 6, 7, 8]));
  t.equal(taken.length, 11 * PACKED.window, 'n in all, and none to the first');
  t.equal(lists.roomForQuick(PACKED, 100), null, 'n + 1 waits');
});

t.test('packed: one that is answered makes room for one', async (t) => {
  const { lists, seats } = open(2);
  fill(lists, PACKED);
  const [first] = seats as [Seat<number>];
  lists.answered(first, 1);
  t.equal(lists.roomForQuick(PACKED, 100), first);
  lists.sent(first, null);
  t.equal(lists.roomForQuick(PACKED, 100), null);
});

t.test('wide: one command for each connection in use', async (t) => {
  const { lists, seats } = open(12);
  t.equal(new Set(fill(lists, WIDE)).size, 11, 'all but the one kept for memory');
  const { lists: few } = open(12);
  t.equal(fill(few, { ...WIDE, inUse: 5 }).length, 5);
  lists.answered(seats[7] as Seat<number>, 1);
  t.equal(lists.roomForQuick(WIDE, 100)?.server, 7);
});

t.test('what Faktory answers from memory never waits behind what waits for Redis', async (t) => {
  for (const placing of [PACKED, WIDE]) {
    const { lists } = open(12);
    fill(lists, placing);
    const seat = lists.roomForMemory(placing);
    t.equal(seat?.server, 0);
    t.equal(seat?.outstanding, 0);
  }
});

t.test('of few connections none is kept for memory', async (t) => {
  const { lists } = open(3);
  t.equal(new Set(fill(lists, PACKED)).size, 3);
  t.equal(lists.roomForMemory(PACKED), null);
});

t.test('large commands take the least busy of all', async (t) => {
  const { lists } = open(12);
  for (let i = 0; i < 8; i += 1) {
    lists.sent(lists.roomForQuick(PACKED, 100) as Seat<number>, null);
  }
  t.equal(lists.roomForQuick(PACKED, 100)?.outstanding, 1);
  t.equal(lists.roomForQuick(PACKED, 10_000)?.outstanding, 0);
});

t.test('nothing joins what is alone, and what is alone joins nothing', async (t) => {
  const { lists } = open(3);
  const slow = lists.roomForAlone(PACKED) as Seat<number>;
  t.equal(slow.server, 2, 'away from where commands are packed');
  lists.sent(slow, 'slow');
  t.equal(lists.alone('slow'), 1);
  const taken = fill(lists, PACKED);
  t.notOk(taken.includes(2));
  t.equal(lists.roomForAlone(PACKED), null);
  lists.answered(slow, 1);
  t.equal(lists.alone('slow'), 0);
  t.equal(lists.roomForAlone(PACKED), slow);
});

t.test('those kept for others take no quick command', async (t) => {
  const { lists } = open(2);
  const first = lists.keptForBulk();
  const last = lists.keptForSlow();
  t.same([first?.server, last?.server], [0, 1]);
  t.equal(lists.roomForQuick(PACKED, 100, first, last), null);
  t.equal(lists.roomForQuick(PACKED, 100, first), last);
});

t.test('surplus are idle ones that were not used since then, down to what is kept', async (t) => {
  const { lists, seats } = open(6);
  const [busy, lately] = seats as [Seat<number>, Seat<number>];
  lists.sent(busy, null);
  lists.sent(lately, null);
  lists.answered(lately, 50);
  t.same(
    lists
      .surplus(1, 49)
      .map(({ server }) => server)
      .sort((a, b) => a - b),
    [2, 3, 4, 5],
  );
  t.equal(lists.surplus(4, 49).length, 2);
  t.equal(lists.surplus(1, 50).length, 5);
});

t.test('whatever is sent, answered, opened and lost: each is in one list', async () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('send' as const), wide: fc.boolean() }),
    fc.record({
      kind: fc.constant('alone' as const),
      alone: fc.constantFrom<AloneKind[]>('slow', 'bulk'),
    }),
    fc.record({ kind: fc.constant('answer' as const), who: fc.nat(50) }),
    fc.record({ kind: fc.constant('open' as const) }),
    fc.record({ kind: fc.constant('lose' as const), who: fc.nat(50) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
      const lists = new CommandConnections<number>();
      steps.forEach((step, now) => {
        const seats = [...lists];
        const busy = seats.filter(({ outstanding }) => outstanding > 0);
        if (step.kind === 'open') lists.add(now, now);
        else if (step.kind === 'send') {
          const seat = lists.roomForQuick(step.wide ? WIDE : PACKED, 100);
          if (seat !== null) lists.sent(seat, null);
        } else if (step.kind === 'alone') {
          const seat = lists.roomForAlone(PACKED);
          if (seat !== null) lists.sent(seat, step.alone);
        } else {
          const from = step.kind === 'answer' ? busy : seats;
          const seat = from[step.who % Math.max(1, from.length)];
          if (seat !== undefined && step.kind === 'answer') lists.answered(seat, now);
          else if (seat !== undefined) lists.remove(seat);
        }
        look(lists);
      });
    }),
  );
});

function look(lists: CommandConnections<number>): void {
  const seats = [...lists];
  equal(lists.size, seats.length);
  equal(lists.idle, seats.filter(({ outstanding }) => outstanding === 0).length);
  for (const { list, outstanding } of seats) {
    equal(list === 'idle', outstanding === 0);
    if (list === 'slow' || list === 'bulk') equal(outstanding, 1);
    ok(outstanding <= PACKED.window);
  }
  for (const kind of ['slow', 'bulk'] as const) {
    equal(lists.alone(kind), seats.filter(({ list }) => list === kind).length);
  }
  const room = lists.roomForAlone(PACKED);
  equal(room === null, lists.idleForAlone(PACKED) === 0);
}
