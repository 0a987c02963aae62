// The memory for what is on its way: replies that clients do not take count in it, and whoever leaves
// them while others need the memory is given up in time.

import { equal, ok } from 'node:assert/strict';
import * as fc from 'fast-check';
import t from 'tap';
import { BufferBudget, type Debtor, TAKEN_WITHIN_MS } from '../../src/base/buffer-budget.ts';
import type { BufferReader } from '../../src/base/buffer-readers.ts';
import { Live } from '../../src/base/live.ts';
import { FakeClock } from '../support/fake-clock.ts';

const LIMIT = 100;

/** A client that is told things, and takes them when the test says so. */
class Client implements Debtor {
  readonly #budget: BufferBudget;
  untaken = 0;
  isGivenUp = false;

  constructor(budget: BufferBudget) {
    this.#budget = budget;
  }

  isTold(bytes: number): void {
    if (this.isGivenUp) return;
    this.untaken += bytes;
    this.#budget.owes(this);
  }

  takesAll(): void {
    this.untaken = 0;
    this.#budget.settled(this);
  }

  giveUp(): void {
    this.isGivenUp = true;
    this.untaken = 0;
  }
}

/** A server connection inside a large reply. */
class Server implements BufferReader {
  readonly #budget: BufferBudget;
  bytes = 0;
  isPaused = false;

  constructor(budget: BufferBudget) {
    this.#budget = budget;
  }

  onRoom(): void {
    this.isPaused = false;
  }

  reads(bytes: number): void {
    if (this.isPaused) throw new Error('Cannot read: it is paused');
    this.bytes += bytes;
    this.isPaused = !this.#budget.replies.hold(this, this.bytes);
  }

  /** The reply is whole, and its client's. */
  handsOver(client: Client): void {
    client.isTold(this.bytes);
    this.#holdsNothing();
  }

  /** The reply is whole, and nobody's: its bytes. */
  becomesStray(): number {
    const { bytes } = this;
    this.#budget.keeps(bytes);
    this.#holdsNothing();
    return bytes;
  }

  #holdsNothing(): void {
    this.bytes = 0;
    this.isPaused = !this.#budget.replies.hold(this, 0);
  }
}

class House {
  readonly clock = new FakeClock();
  readonly limit = new Live({ bufferedBytes: LIMIT });
  readonly budget = new BufferBudget(this.clock, this.limit);
  /** Whether FETCHes may be sent; each change. */
  readonly room: boolean[] = [];

  constructor() {
    this.budget.onChange({ onBufferRoom: (hasRoom) => this.room.push(hasRoom) });
  }

  readonly clients = (...told: number[]): Client[] =>
    told.map((bytes) => {
      const client = new Client(this.budget);
      client.isTold(bytes);
      return client;
    });

  readonly servers = (count: number): Server[] =>
    Array.from({ length: count }, () => new Server(this.budget));
}

function givenUp(clients: readonly Client[]): boolean[] {
  return clients.map(({ isGivenUp }) => isGivenUp);
}

t.test('replies that clients have not taken count until they are taken', async (t) => {
  const { budget, clients, clock } = new House();
  const [a, b] = clients(40, 60);
  t.equal(budget.usedBytes, 100);
  a?.takesAll();
  a?.takesAll();
  b?.isTold(5);
  t.equal(budget.usedBytes, 65);
  b?.takesAll();
  t.equal(budget.usedBytes, 0);
  t.equal(clock.timers, 0);
});

t.test('at the limit nobody is given up; past it the one with the most, in its time', async (t) => {
  const { budget, clients, clock, room } = new House();
  const [small, large] = clients(40, 60);
  clock.advance(10 * TAKEN_WITHIN_MS);
  t.same(room, []);
  const [late] = clients(30);
  t.same(room, [false], 'no FETCH is sent any more');
  clock.advance(100);
  t.same(givenUp([small, large, late] as Client[]), [false, true, false]);
  t.equal(budget.usedBytes, 70);
  t.same(room, [false, true]);
  t.equal(clock.timers, 0);
});

t.test('a client has 2 s to take what it was told, and as long again for the next', async (t) => {
  const { clients, clock } = new House();
  const [busy, still] = clients(60, 60);
  clock.advance(TAKEN_WITHIN_MS - 100);
  busy?.takesAll();
  busy?.isTold(60);
  t.same(givenUp([busy, still] as Client[]), [false, false]);
  clock.advance(100);
  t.same(givenUp([busy, still] as Client[]), [false, true]);
});

t.test('what was taken meanwhile is looked up before anybody is given up', async (t) => {
  const { budget, clients, clock, room } = new House();
  const [a, b] = clients(60, 60);
  if (b !== undefined) b.untaken = 30;
  clock.advance(TAKEN_WITHIN_MS);
  t.same(givenUp([a, b] as Client[]), [false, false]);
  t.equal(budget.usedBytes, 90);
  t.same(room, [false, true]);
});

t.test('where clients have sent too much, none is given up for a small reply', async (t) => {
  const { budget, clients, clock } = new House();
  const all = clients(20, 30);
  const sender: BufferReader = { onRoom: () => {} };
  t.equal(budget.commands.hold(sender, 1000), true, 'one goes on');
  clock.advance(10 * TAKEN_WITHIN_MS);
  t.same(givenUp(all), [false, false]);
  const [one] = clients(1);
  clock.advance(10 * TAKEN_WITHIN_MS);
  t.same(givenUp([...all, one as Client]), [false, true, false], 'more than half of it is untaken');
});

t.test('past the limit one reply goes on, but none while clients take none', async (t) => {
  const { clients, clock, servers } = new House();
  const [a, b] = servers(2) as [Server, Server];
  a.reads(60);
  b.reads(60);
  a.reads(10);
  t.same([a.isPaused, b.isPaused], [true, false], 'the first that came past it');
  const [client, other] = clients(0, 0) as [Client, Client];
  b.handsOver(client);
  t.same([a.isPaused, b.isPaused], [true, false]);
  client.takesAll();
  t.equal(a.isPaused, false);
  a.handsOver(other);
  b.reads(60);
  t.equal(b.isPaused, true);
  clock.advance(TAKEN_WITHIN_MS);
  t.same([other.isGivenUp, b.isPaused], [true, false]);
});

t.test(
  'past the limit no reply goes on while stray jobs make up more than half of it',
  async (t) => {
    const { budget, servers } = new House();
    const [a, b] = servers(2) as [Server, Server];
    a.reads(50);
    budget.keeps(60);
    b.reads(1);
    a.reads(1);
    t.same([a.isPaused, b.isPaused], [true, true], 'either would become one more of them');
    budget.keeps(-10);
    t.same(
      [a.isPaused, b.isPaused],
      [true, false],
      'one was given back, and half of it is not more',
    );
    budget.keeps(-50);
    t.same([a.isPaused, b.isPaused], [false, false]);
  },
);

t.test('a raised limit is noticed', async (t) => {
  const { clock, limit, room, servers } = new House();
  const [a, b] = servers(2) as [Server, Server];
  a.reads(LIMIT + 1);
  b.reads(1);
  t.same([a.isPaused, b.isPaused], [false, true]);
  limit.replace({ bufferedBytes: 2 * LIMIT });
  clock.advance(100);
  t.equal(b.isPaused, false);
  t.same(room, [false, true]);
});

const step = fc.record({
  who: fc.nat(4),
  act: fc.constantFrom('read', 'hand over', 'keep', 'take', 'wait'),
  bytes: fc.integer({ min: 1, max: 60 }),
});

t.test('whatever happens, all is below the limit again soon, and nothing waits then', async () => {
  fc.assert(
    fc.property(fc.array(step, { size: 'max', maxLength: 80 }), (steps) => {
      const scene = new House();
      const { budget, clock } = scene;
      const servers = scene.servers(5);
      const clients = scene.clients(0, 0, 0, 0, 0);
      let kept = 0;
      for (const { who, act, bytes } of steps) {
        const server = servers[who] as Server;
        const client = clients[who] as Client;
        if (act === 'read' && !server.isPaused) server.reads(bytes);
        if (act === 'hand over' && !server.isPaused) server.handsOver(client);
        if (act === 'keep' && !server.isPaused) kept += server.becomesStray();
        if (act === 'take') client.takesAll();
        if (act === 'wait') clock.advance(bytes * 20);
        const held = servers.reduce((sum, server) => sum + server.bytes, 0);
        const untaken = clients.reduce((sum, client) => sum + client.untaken, 0);
        equal(budget.usedBytes, held + untaken + kept);
        const paused = servers.filter(({ isPaused }) => isPaused).length;
        if (budget.usedBytes <= LIMIT) equal(paused, 0);
        equal(scene.room.at(-1) ?? true, clock.timers === 0, 'one timer while FETCHes wait');
      }
      budget.keeps(-kept);
      clock.advance(TAKEN_WITHIN_MS + 100);
      ok(clients.reduce((sum, { untaken }) => sum + untaken, 0) <= LIMIT);
      for (let turn = 0; turn < 5; turn += 1) {
        const next = servers.find(({ isPaused, bytes }) => !isPaused && bytes > 0);
        if (next === undefined) break;
        next.handsOver(new Client(budget));
        clock.advance(TAKEN_WITHIN_MS + 100);
      }
      equal(servers.filter(({ isPaused }) => isPaused).length, 0);
      ok(budget.usedBytes <= LIMIT);
      equal(scene.room.at(-1) ?? true, true);
      equal(clock.timers, 0);
    }),
    { numRuns: 500 },
  );
});
