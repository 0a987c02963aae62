// Who comes in, who waits, who is refused: at each limit n, n + 1, and n again after one left.

import t from 'tap';
import { Guest, House } from './house.ts';

function some(count: number, make: () => Guest): Guest[] {
  return Array.from({ length: count }, make);
}

t.test('n places let n in, one more waits, and comes in once a place is given back', async (t) => {
  const house = new House({ serverConnections: 3 });
  const guests = some(3, () => new Guest(null));
  for (const guest of guests) t.equal(house.arrive(guest).kind, 'admitted');
  const late = new Guest(null);
  t.equal(house.arrive(late).kind, 'waiting');
  t.strictSame(house.admission.obstacle(late), {
    reason: 'server_connections',
    now: 3,
    limit: 3,
  });
  const [first] = guests;
  if (first === undefined) return;
  house.admission.leave(first);
  t.equal(late.cameInAfterWait, false, 'the server connection outlives its client');
  first.place?.release();
  t.equal(late.cameInAfterWait, true);
  t.equal(house.places.taken, 3);
  first.place?.release();
  t.equal(house.places.taken, 3, 'a place is given back once only');
  t.equal(house.arrive(new Guest(null)).kind, 'waiting');
});

t.test('workers stop at their share, and a producer still gets in', async (t) => {
  const house = new House({ serverConnections: 4, producerReserve: 2 });
  const workers = some(3, () => new Guest('w'));
  t.strictSame(
    workers.map((worker) => house.arrive(worker).kind),
    ['admitted', 'admitted', 'waiting'],
  );
  const third = workers[2] ?? new Guest('w');
  t.strictSame(house.admission.obstacle(third), {
    reason: 'server_connections',
    now: 2,
    limit: 2,
  });
  const producers = some(3, () => new Guest(null));
  t.strictSame(
    producers.map((producer) => house.arrive(producer).kind),
    ['admitted', 'admitted', 'waiting'],
  );
  producers[0]?.place?.release();
  t.equal(producers[2]?.cameInAfterWait, true);
  t.equal(third.cameInAfterWait, false);
  t.strictSame(house.places.counts(), { producer: 2, worker: 2 });
});

t.test(
  'a place is asked for once for each worker that waits, however it came to that',
  async (t) => {
    const house = new House({ serverConnections: 2, producerReserve: 0, perAddress: 1 });
    let wanted = 0;
    house.places.onWanted(() => (wanted += 1));
    const producer = new Guest(null, 'a');
    producer.needs = false;
    house.arrive(producer);
    const late = new Guest('late', 'a');
    t.equal(house.arrive(late).kind, 'waiting');
    t.equal(house.admission.obstacle(late)?.reason, 'per_address');
    for (const [worker, address] of [
      ['w1', 'b'],
      ['w2', 'c'],
    ] as const) {
      t.equal(house.arrive(new Guest(worker, address)).kind, 'admitted');
    }
    t.equal(wanted, 0, 'it waits for something else');
    house.admission.leave(producer);
    t.equal(house.admission.obstacle(late)?.reason, 'server_connections');
    t.equal(wanted, 1);
    house.arrive(new Guest('late', 'd'));
    house.admission.wake();
    t.equal(wanted, 1, 'once');
    house.arrive(new Guest('other', 'e'));
    t.equal(wanted, 2);
  },
);

t.test('producers may take all places, and then no worker comes in', async (t) => {
  const house = new House({ serverConnections: 3, producerReserve: 1 });
  for (const guest of some(3, () => new Guest(null))) {
    t.equal(house.arrive(guest).kind, 'admitted');
  }
  t.equal(house.arrive(new Guest('w')).kind, 'waiting');
  t.equal(house.places.take('worker'), null);
  t.equal(house.places.take('producer'), null);
});

t.test('of those who wait producers go first, then first come first served', async (t) => {
  const house = new House({ serverConnections: 1 });
  const inside = new Guest(null);
  house.arrive(inside);
  const waiting: [string, Guest][] = [
    ['w1', new Guest('w1')],
    ['p1', new Guest(null)],
    ['w2', new Guest('w2')],
    ['p2', new Guest(null)],
  ];
  waiting.forEach(([, guest], n) => t.equal(house.arrive(guest, 10 + n).kind, 'waiting'));
  t.equal(house.admission.oldestSince(), 10);
  const order: string[] = [];
  let last = inside;
  for (let n = 0; n < 4; n += 1) {
    house.leave(last);
    const next = waiting.find(([name, guest]) => guest.cameInAfterWait && !order.includes(name));
    if (next === undefined) break;
    order.push(next[0]);
    last = next[1];
  }
  t.strictSame(order, ['p1', 'p2', 'w1', 'w2']);
  t.equal(house.admission.oldestSince(), null);
});

t.test('one worker has n clients, its next waits while another worker comes in', async (t) => {
  const house = new House({ perWorker: 2 });
  const guests = some(3, () => new Guest('greedy'));
  t.strictSame(
    guests.map((guest) => house.arrive(guest).kind),
    ['admitted', 'admitted', 'waiting'],
  );
  t.equal(house.arrive(new Guest('modest')).kind, 'admitted');
  t.equal(house.arrive(new Guest(null)).kind, 'admitted');
  house.arrive(new Guest('greedy'));
  t.strictSame(house.arrive(new Guest('greedy')), {
    kind: 'refused',
    obstacle: { reason: 'per_worker', now: 4, limit: 2 },
  });
  t.equal(house.admission.waiting('worker'), 2);
  const [first] = guests;
  if (first !== undefined) house.leave(first);
  t.equal(guests[2]?.cameInAfterWait, true);
  t.equal(house.admission.waiting('worker'), 1);
});

t.test('one address has n clients of any role, its next waits until one leaves', async (t) => {
  const house = new House({ perAddress: 2 });
  const guests = [new Guest('w', 'x'), new Guest(null, 'x'), new Guest(null, 'x')];
  t.strictSame(
    guests.map((guest) => house.arrive(guest).kind),
    ['admitted', 'admitted', 'waiting'],
  );
  t.equal(house.arrive(new Guest(null, 'y')).kind, 'admitted');
  t.equal(house.arrive(new Guest('w', 'x')).kind, 'waiting');
  t.strictSame(house.arrive(new Guest(null, 'x')), {
    kind: 'refused',
    obstacle: { reason: 'per_address', now: 4, limit: 2 },
  });
  const [first] = guests;
  if (first !== undefined) house.admission.leave(first);
  t.equal(guests[2]?.cameInAfterWait, true, 'the cap counts clients, not places');
});

t.test(
  'the waiting line takes n, refuses one more, and takes one again after one hung up',
  async (t) => {
    const house = new House({ serverConnections: 0, waitingLine: 2 });
    const waiting = [new Guest('w'), new Guest(null)];
    for (const guest of waiting) t.equal(house.arrive(guest).kind, 'waiting');
    t.strictSame(house.arrive(new Guest(null)), {
      kind: 'refused',
      obstacle: { reason: 'waiting_line', now: 2, limit: 2 },
    });
    const [first] = waiting;
    if (first !== undefined) house.admission.leave(first);
    t.equal(house.admission.waiting('worker'), 0);
    t.equal(house.admission.workers, 0);
    t.equal(house.arrive(new Guest(null)).kind, 'waiting');
  },
);

t.test('a client that left while it waited is never let in', async (t) => {
  const house = new House({ serverConnections: 1 });
  const inside = new Guest(null);
  house.arrive(inside);
  const gone = new Guest(null);
  gone.admitted = () => t.fail('it is gone');
  const next = new Guest('w');
  house.arrive(gone);
  house.arrive(next);
  house.admission.leave(gone);
  house.admission.leave(gone);
  house.leave(inside);
  t.equal(next.cameInAfterWait, true);
});

t.test('a refused client and a stranger leave without a trace', async (t) => {
  const house = new House({
    serverConnections: 0,
    waitingLine: 0,
    perWorker: 1,
    perAddress: 1,
  });
  const refused = new Guest('w');
  t.equal(house.arrive(refused).kind, 'refused');
  house.admission.leave(refused);
  house.admission.leave(new Guest('stranger'));
  t.equal(house.admission.workers, 0);
  t.equal(house.admission.obstacle(new Guest('w', 'other'))?.now, 0);
});

t.test('a client that needs no place comes in when all places are taken', async (t) => {
  const house = new House({ serverConnections: 0 });
  const guest = new Guest(null);
  guest.needs = false;
  t.strictSame(house.arrive(guest), { kind: 'admitted', place: null, inSpiteOf: null });
});

t.test(
  'somebody who starts to need no place while waiting comes in at the next wake',
  async (t) => {
    const house = new House({ serverConnections: 0 });
    const guest = new Guest('w');
    t.equal(house.arrive(guest).kind, 'waiting');
    guest.needs = false;
    house.admission.wake();
    t.equal(guest.cameInAfterWait, true);
  },
);

t.test(
  'observe_only lets everybody in, with a place, and names what stood in the way',
  async (t) => {
    const house = new House({ serverConnections: 1, perWorker: 2, waitingLine: 0 }, false);
    const guests = some(3, () => new Guest('w'));
    const reasons = guests.map((guest) => {
      const decision = house.arrive(guest);
      return decision.kind === 'admitted' ? (decision.inSpiteOf?.reason ?? null) : decision.kind;
    });
    t.strictSame(reasons, [null, 'server_connections', 'per_worker']);
    t.equal(house.places.taken, 3);
    for (const guest of guests) house.leave(guest);
    t.equal(house.places.taken, 0);
  },
);
