// Which set of queues gets the next FETCH, and which client a reply: pure, so that time is a number.

import { ok } from 'node:assert/strict';
import * as fc from 'fast-check';
import t from 'tap';
import { FetchSets, type FetchSet } from '../../src/lanes/fetch-sets.ts';

const FOUND_MS = 250;

class Client {
  readonly queues: readonly string[];
  readonly askedAt: number;
  hasLeft = false;

  constructor(askedAt: number, queues: readonly string[] = ['q']) {
    this.askedAt = askedAt;
    this.queues = queues;
  }
}

class Flight {
  replyIsArriving = false;
  promisedTo: Client | null = null;
}

type Sets = FetchSets<Client, Flight>;
type OneSet = FetchSet<Client, Flight>;

/** Sends the next FETCH over a free server connection; what was decided, and for which set. */
function sendNext(sets: Sets, now: number, extraMost = 0): string {
  const next = sets.next(now, extraMost, FOUND_MS);
  if (next.kind === 'none') return 'none';
  if (next.kind === 'send') {
    sets.launched(next.set, new Flight());
    sets.sent(next.set);
  }
  return `${next.kind} ${next.set.key}: ${next.reason}`;
}

function land(sets: Sets, set: OneSet): void {
  const [flight] = set.flights;
  if (flight !== undefined) sets.landed(set, flight);
}

/** Three FETCHes in a row have found jobs in `set`. */
function letFlow(set: OneSet, now: number): void {
  for (let i = 0; i < 3; i += 1) set.flow.replied(true, 1, now);
}

t.test('each set that clients ask for gets one FETCH, and no second', async (t) => {
  const sets: Sets = new FetchSets();
  const [a, b] = [sets.of('a'), sets.of('b')];
  t.equal(sendNext(sets, 0), 'none', 'nobody asks');
  for (const set of [a, b, b]) sets.join(set, new Client(0));
  t.equal(sendNext(sets, 0, 7), 'send a: no_fetch');
  t.equal(sendNext(sets, 0, 7), 'send b: no_fetch');
  t.equal(sendNext(sets, 0, 7), 'none', 'no jobs flow');
  land(sets, b);
  t.equal(sendNext(sets, 0, 7), 'send b: no_fetch');
});

t.test('a set whose only client has left gets none', async (t) => {
  const sets: Sets = new FetchSets();
  const seat = sets.join(sets.of('a'), new Client(0));
  seat.leave();
  t.equal(sendNext(sets, 0), 'none');
  t.equal(sets.needy, 0);
});

t.test('sets take turns, and a new one comes after those that wait', async (t) => {
  const sets: Sets = new FetchSets();
  const order: string[] = [];
  for (const key of ['a', 'b', 'c']) sets.join(sets.of(key), new Client(0));
  for (let i = 0; i < 7; i += 1) {
    if (i === 2) sets.join(sets.of('d'), new Client(0));
    const next = sets.next(0, 0, FOUND_MS);
    if (next.kind !== 'send') break;
    sets.launched(next.set, new Flight());
    sets.sent(next.set);
    order.push(next.set.key);
    land(sets, next.set);
  }
  t.equal(order.join(''), 'abcadbc');
});

t.test('a FETCH that was not sent does not cost the set its turn', async (t) => {
  const sets: Sets = new FetchSets();
  const [a, b] = [sets.of('a'), sets.of('b')];
  for (const set of [a, b]) sets.join(set, new Client(0));
  t.equal(sendNext(sets, 0), 'send a: no_fetch');
  land(sets, a);
  t.equal(sendNext(sets, 0), 'send b: no_fetch');
  land(sets, b);
  sets.launched(a, new Flight());
  land(sets, a);
  t.equal(sendNext(sets, 0), 'send a: no_fetch');
});

t.test('while jobs flow, each client has a FETCH, up to the bound', async (t) => {
  const sets: Sets = new FetchSets();
  const set = sets.of('a');
  for (let i = 0; i < 5; i += 1) sets.join(set, new Client(0));
  t.equal(sendNext(sets, 0, 2), 'send a: no_fetch');
  letFlow(set, 0);
  t.equal(sets.wanted(0, FOUND_MS), 4);
  t.equal(sendNext(sets, 0, 2), 'send a: jobs_flow');
  t.equal(sendNext(sets, 0, 2), 'send a: jobs_flow');
  t.equal(sendNext(sets, 0, 2), 'none', 'two beyond the first');
  t.equal(sets.extra, 2);
  t.equal(sendNext(sets, 0, 9), 'send a: jobs_flow');
  t.equal(sendNext(sets, 0, 9), 'send a: jobs_flow');
  t.equal(sendNext(sets, 0, 9), 'none', 'as many as clients');
  t.equal(sets.wanted(0, FOUND_MS), 0);
  t.equal(sendNext(sets, 200, 9), 'none');
  for (let i = 0; i < 5; i += 1) land(sets, set);
  t.equal(sets.extra, 0);
});

t.test('a first FETCH for one set comes before a second for another', async (t) => {
  const sets: Sets = new FetchSets();
  const [a, b] = [sets.of('a'), sets.of('b')];
  for (const set of [a, a, a, b]) sets.join(set, new Client(0));
  letFlow(a, 0);
  t.equal(sendNext(sets, 0, 9), 'send a: no_fetch');
  t.equal(sendNext(sets, 0, 9), 'send b: no_fetch');
  t.equal(sendNext(sets, 0, 9), 'send a: jobs_flow');
});

t.test('a set whose client has had nil keeps its turn until it asks again', async (t) => {
  const sets: Sets = new FetchSets();
  const [a, b] = [sets.of('a'), sets.of('b')];
  sets.join(a, new Client(0));
  t.equal(sendNext(sets, 0), 'send a: no_fetch');
  const seat = sets.join(b, new Client(1));
  seat.leave();
  sets.hadNil(b, 2001);
  land(sets, a);
  t.equal(sendNext(sets, 2002), 'keep b: had_nil');
  const kept = new Flight();
  sets.launched(b, kept);
  t.same(sets.granted(b, 2002), { kind: 'keep', reason: 'had_nil', untilAt: 2251 });
  t.equal(sendNext(sets, 2002), 'send a: no_fetch', 'over another server connection');
  const back = new Client(2003);
  sets.join(b, back);
  t.same(sets.granted(b, 2003), { kind: 'send', reason: 'client_waits', cause: back });
});

t.test('it waits twice as long each time that it was passed over, up to 4 s', async (t) => {
  const sets: Sets = new FetchSets();
  const [a, b] = [sets.of('a'), sets.of('b')];
  sets.join(a, new Client(0));
  t.equal(sendNext(sets, 0), 'send a: no_fetch');
  land(sets, a);
  const waits: number[] = [];
  for (let round = 0; round < 6; round += 1) {
    const had = 10_000 * round;
    sets.join(b, new Client(had)).leave();
    sets.hadNil(b, had);
    let wait = 0;
    while (sets.next(had + wait, 0, FOUND_MS).kind === 'keep') wait += 1;
    waits.push(wait);
    t.equal(sets.next(had + wait, 0, FOUND_MS).kind, 'send', 'the other has its turn');
  }
  t.same(waits, [250, 500, 1000, 2000, 4000, 4000]);
  t.equal(b.passedOver, 4);
  sets.sent(b);
  t.equal(b.passedOver, 3, 'less long again once it has had its turn');
});

t.test('a FETCH that nobody waits for when its turn comes is not sent', async (t) => {
  const sets: Sets = new FetchSets();
  const set = sets.of('a');
  const seat = sets.join(set, new Client(0));
  sets.launched(set, new Flight());
  seat.leave();
  t.same(sets.granted(set, 0), { kind: 'drop', reason: 'nobody_waits' }, 'its client left');
  sets.hadNil(set, 0);
  t.match(sets.granted(set, 0), { kind: 'keep', untilAt: 500 });
  t.match(sets.granted(set, 500), { kind: 'drop' });
});

t.test('a reply goes to the client that has waited longest, for 2 s and no longer', async (t) => {
  const sets: Sets = new FetchSets();
  const set = sets.of('a');
  const [late, next] = [new Client(0), new Client(1)];
  const seat = sets.join(set, late);
  sets.join(set, next);
  t.same(sets.taker(set, null, 1999), { kind: 'client', reason: 'waits_longest', client: late });
  t.same(sets.taker(set, null, 2000), { kind: 'nil', reason: 'too_late', client: late });
  seat.leave();
  t.same(sets.taker(set, null, 2000), { kind: 'client', reason: 'waits_longest', client: next });
  t.same(sets.taker(set, late, 2000), { kind: 'client', reason: 'promised', client: late });
  t.same(sets.taker(sets.of('b'), null, 0), { kind: 'nobody', reason: 'nobody_waits' });
});

t.test('a client whose time is over waits for a reply that has begun to arrive', async (t) => {
  const sets: Sets = new FetchSets();
  const set = sets.of('a');
  const client = new Client(0);
  for (const one of [client, new Client(0), new Client(0)]) sets.join(set, one);
  const [one, two] = [new Flight(), new Flight()];
  for (const flight of [one, two]) sets.launched(set, flight);
  t.same(sets.timeIsOver(set, client), { kind: 'nil', reason: 'no_reply_yet' });
  two.replyIsArriving = true;
  t.same(sets.timeIsOver(set, client), { kind: 'wait', reason: 'reply_arrives', flight: two });
  two.promisedTo = new Client(0);
  t.match(sets.timeIsOver(set, client), { kind: 'nil' }, 'one reply is for one client');
});

t.test('of a client that has left, a FETCH at Faktory is waited for in any case', async (t) => {
  const sets: Sets = new FetchSets();
  const set = sets.of('a');
  const client = new Client(0);
  client.hasLeft = true;
  sets.join(set, client);
  t.match(sets.timeIsOver(set, client), { kind: 'nil' }, 'none is there');
  const flight = new Flight();
  sets.launched(set, flight);
  t.same(sets.timeIsOver(set, client), { kind: 'wait', reason: 'has_left', flight });
});

t.test(
  'a job of another set goes to the one that has waited longest and is not late',
  async (t) => {
    const sets: Sets = new FetchSets();
    const [late, long, short] = [
      new Client(0, ['q', 'x']),
      new Client(5, ['q']),
      new Client(6, ['y', 'q']),
    ];
    sets.join(sets.of('q x'), late);
    sets.join(sets.of('y q'), short);
    sets.join(sets.of('q'), long);
    t.equal(sets.longestFor('q', 1999), late);
    t.equal(sets.longestFor('q', 2000), long);
    t.equal(sets.longestFor('y', 2000), short);
    t.equal(sets.longestFor('z', 0), null);
  },
);

t.test('at most 256 sets are remembered while nobody asks for them', async (t) => {
  const sets: Sets = new FetchSets();
  const [asked, flying] = [sets.of('asked'), sets.of('flying')];
  sets.join(asked, new Client(0));
  sets.launched(flying, new Flight());
  sets.sent(flying);
  for (let i = 2; i < 256; i += 1) sets.of(`set ${i}`);
  t.equal(sets.size, 256);
  t.equal(sets.of('asked'), asked);
  sets.of('one more');
  t.equal(sets.size, 3, 'those in use, and the new one');
  t.equal(sets.of('asked'), asked);
  t.equal(sets.of('flying'), flying);
});

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('ask' as const), set: fc.nat(3) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('land' as const), set: fc.nat(3) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('nil' as const), set: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('leave' as const), set: fc.nat(3) }) },
);

t.test(
  'whatever happens, no set that waits is passed over more often than there are sets',
  async () => {
    fc.assert(
      fc.property(fc.array(step, { size: 'max', maxLength: 200 }), (steps) => {
        const sets: Sets = new FetchSets();
        const keys = ['a', 'b', 'c', 'd'];
        /** FETCHes of others since the set began to wait without one. */
        const passed = new Map<string, number>();
        steps.forEach(({ kind, set: index }, now) => {
          const key = keys[index] ?? 'a';
          const set = sets.of(key);
          if (kind === 'ask') sets.join(set, new Client(now));
          else if (kind === 'land') land(sets, set);
          else if (set.waiting.shift() !== undefined && kind === 'nil') sets.hadNil(set, now);
          for (const other of keys) {
            const waits = sets.of(other).waiting.length > 0 && sets.of(other).flights.size === 0;
            if (!waits) passed.delete(other);
            else if (!passed.has(other)) passed.set(other, 0);
          }
          const flights = keys.reduce((sum, one) => sum + sets.of(one).flights.size, 0);
          if (flights > 0) return;
          const sent = sendNext(sets, now);
          if (!sent.startsWith('send')) return;
          passed.delete(sent['send '.length] ?? '');
          for (const [other, times] of passed) {
            passed.set(other, times + 1);
            ok(times < keys.length - 1, `${other} was passed over ${times + 1} times`);
          }
        });
      }),
      { numRuns: 500 },
    );
  },
);
