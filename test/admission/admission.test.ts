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
    house.limits.perAddress.set('configured', 2);
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
    refusal: { reason: 'per_worker', now: 4, limit: 2 },
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
    refusal: { reason: 'per_address', now: 4, limit: 2 },
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
      refusal: { reason: 'waiting_line', now: 2, limit: 2 },
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

t.test('one place is enough for all of a worker that share it', async (t) => {
  const house = new House({ serverConnections: 1 });
  const inside = new Guest(null);
  house.arrive(inside);
  const others = some(2, () => new Guest('w'));
  const first = new Guest('w', 'a', () => {
    for (const guest of others) guest.needs = false;
  });
  for (const guest of [first, ...others]) t.equal(house.arrive(guest).kind, 'waiting');
  house.leave(inside);
  t.ok(first.place !== null);
  t.strictSame(
    others.map(({ cameInAfterWait, place }) => [cameInAfterWait, place]),
    [
      [true, null],
      [true, null],
    ],
  );
});

t.test('a place that becomes free is offered to the first, not to all who wait', async (t) => {
  const house = new House({ serverConnections: 1, waitingLine: 20_000 });
  const inside = new Guest(null);
  house.arrive(inside);
  const waiting = some(20_000, () => new Guest(null));
  for (const guest of waiting) house.arrive(guest);
  for (const guest of waiting) guest.looks = 0;
  house.leave(inside);
  t.equal(waiting[0]?.cameInAfterWait, true);
  t.ok(waiting.slice(1).every(({ looks }) => looks === 0));
});

t.test('who is held back by its own cap keeps its turn for a place', async (t) => {
  const house = new House({ serverConnections: 2, perWorker: 1 });
  const worker = new Guest('w');
  const producer = new Guest(null);
  house.arrive(worker);
  house.arrive(producer);
  const early = new Guest('w');
  const late = new Guest('v');
  t.equal(house.arrive(early).kind, 'waiting');
  t.equal(house.admission.obstacle(early)?.reason, 'per_worker');
  t.equal(house.arrive(late).kind, 'waiting');
  house.admission.leave(worker);
  t.equal(house.admission.obstacle(early)?.reason, 'server_connections');
  worker.place?.release();
  t.strictSame([early.cameInAfterWait, late.cameInAfterWait], [true, false]);
});

t.test('one that cannot be let in is told, and those behind it come in', async (t) => {
  const bugs: unknown[] = [];
  const house = new House({ serverConnections: 2 }, true, (error) => bugs.push(error));
  const inside = some(2, () => new Guest(null));
  for (const guest of inside) house.arrive(guest);
  const faulty = new Guest(null, 'a', () => {
    throw new Error('of a visitor');
  });
  const behind = new Guest(null);
  house.arrive(faulty);
  house.arrive(behind);
  for (const guest of inside) house.leave(guest);
  t.match(bugs, [new Error('of a visitor')]);
  t.equal(behind.cameInAfterWait, true);
  house.leave(faulty);
  house.leave(behind);
  t.equal(house.places.taken, 0);
});

t.test('limits that are raised, or not enforced any more, let those in who wait', async (t) => {
  const configured = { serverConnections: 10, perWorker: 1, perAddress: 2 };
  const house = new House(configured);
  house.arrive(new Guest('w', 'a'));
  const [ofWorker, ofAddress] = [new Guest('w', 'b'), new Guest('v', 'a')];
  house.arrive(new Guest(null, 'a'));
  for (const guest of [ofWorker, ofAddress]) t.equal(house.arrive(guest).kind, 'waiting');
  house.limits.perWorker.set('configured', 2);
  t.strictSame([ofWorker.cameInAfterWait, ofAddress.cameInAfterWait], [true, false]);
  house.limits.apply(
    {
      ...configured,
      clients: 9,
      handshakes: 9,
      commandsInFlight: 100,
      fetchesInFlight: 9,
      producerReserve: 0,
      waitingLine: 9,
    },
    false,
  );
  t.equal(ofAddress.cameInAfterWait, true);
});

t.test('limits.clients: n enter, one more is refused, or let in with observe_only', async (t) => {
  const refusal = { reason: 'clients', now: 2, limit: 2 };
  const house = new House({ clients: 2 });
  t.strictSame(house.admission.enter(1), { kind: 'entered', inSpiteOf: null });
  t.strictSame(house.admission.enter(2), { kind: 'refused', refusal });
  const open = new House({ clients: 2 }, false);
  t.strictSame(open.admission.enter(2), { kind: 'entered', inSpiteOf: refusal });
});

t.test('with no waiting line the refusal names the limit that is full', async (t) => {
  const house = new House({ serverConnections: 1, waitingLine: 0, perAddress: 1 });
  house.arrive(new Guest(null, 'a'));
  t.strictSame(house.arrive(new Guest(null, 'b')), {
    kind: 'refused',
    refusal: { reason: 'server_connections', now: 1, limit: 1 },
  });
  t.strictSame(house.arrive(new Guest(null, 'a')), {
    kind: 'refused',
    refusal: { reason: 'per_address', now: 1, limit: 1 },
  });
});

t.test(
  'out of time: the limit that is full, or Faktory where it is down or being dialled',
  async (t) => {
    const house = new House({ serverConnections: 1 });
    const [inside, waiting] = some(2, () => new Guest(null));
    if (inside === undefined || waiting === undefined) return;
    house.arrive(inside);
    house.arrive(waiting);
    const up = { isUp: true, obstacle: 'slow' } as const;
    t.strictSame(house.admission.outOfTime(waiting, up), {
      reason: 'server_connections',
      now: 1,
      limit: 1,
    });
    t.strictSame(house.admission.outOfTime(inside, up), {
      reason: 'unreachable',
      because: 'slow',
    });
    inside.waitedFor = { reason: 'server_connections', now: 1, limit: 1 };
    t.strictSame(house.admission.outOfTime(inside, up), inside.waitedFor, 'its place came late');
    const leased = { isUp: true, obstacle: 'shared_limit' } as const;
    inside.waitedFor = null;
    t.strictSame(
      house.admission.outOfTime(inside, leased),
      { reason: 'server_connections', now: 1, limit: 1 },
      'it has a place, and may not be dialled for',
    );
    t.strictSame(house.admission.outOfTime(null, leased), {
      reason: 'unreachable',
      because: 'slow',
    });
    t.strictSame(house.admission.outOfTime(waiting, { isUp: false, obstacle: 'login' }), {
      reason: 'unreachable',
      because: 'login',
    });
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

t.test(
  'where only its wid says that it is a worker, a full share leaves it undecided',
  async (t) => {
    const house = new House({ serverConnections: 3, producerReserve: 1, waitingLine: 1 });
    const unproven = (): Guest => {
      const guest = new Guest('w');
      guest.isUnproven = true;
      return guest;
    };
    t.strictSame(
      some(2, unproven).map((guest) => house.arrive(guest).kind),
      ['admitted', 'admitted'],
    );
    t.strictSame(
      some(3, unproven).map((guest) => house.arrive(guest).kind),
      ['undecided', 'undecided', 'undecided'],
      'it takes neither a place nor a seat',
    );
    t.equal(house.arrive(new Guest(null)).kind, 'admitted');
    t.equal(house.arrive(unproven()).kind, 'undecided', 'also with all places taken');
    t.equal(house.admission.waiting('worker'), 0);
  },
);

t.test(
  'a producer that turns out to be a worker keeps its place while workers may have one more',
  async (t) => {
    const house = new House({ serverConnections: 4, producerReserve: 2 });
    const guests = some(4, () => new Guest(null));
    for (const guest of guests) house.arrive(guest);
    t.strictSame(
      guests.map(({ place }) => place !== null && house.admission.giveToWorker(place)),
      [true, true, false, false],
    );
    t.strictSame(house.places.counts(), { producer: 2, worker: 2 });
    const [first, , third] = guests;
    if (first?.place === null || third?.place === null || first === undefined) return;
    t.equal(house.admission.giveToWorker(first.place), false, 'it is one already');
    first.place.release();
    t.equal(third !== undefined && house.admission.giveToWorker(third.place), true, 'again');
    t.strictSame(house.places.counts(), { producer: 1, worker: 2 });
  },
);

t.test('held back by its own cap first, it is undecided when that lets it', async (t) => {
  const house = new House({ serverConnections: 1, perWorker: 1 });
  const first = new Guest('w');
  house.arrive(first);
  const second = new Guest('w');
  second.isUnproven = true;
  t.equal(house.arrive(second).kind, 'waiting');
  house.admission.leave(first);
  t.equal(second.isUndecided, true);
  t.equal(house.admission.waiting('worker'), 0);
  first.place?.release();
  t.equal(second.cameInAfterWait, false);
});

t.test(
  'places are wanted by producers and by workers that may have more, or by workers alone',
  async (t) => {
    const house = new House({ serverConnections: 4, producerReserve: 2 });
    t.strictSame(house.admission.placesWanted, { any: 0, workers: 0 });
    for (const wid of ['a', null, null, null]) house.arrive(new Guest(wid));
    for (const wid of [null, 'b', 'c', 'd']) t.equal(house.arrive(new Guest(wid)).kind, 'waiting');
    t.strictSame(house.admission.placesWanted, { any: 2, workers: 2 });
  },
);
