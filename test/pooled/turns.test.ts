// Pooled mode over memory and a clock that the test moves: what takes long, or must be seen within
// one turn of the event loop.

import t from 'tap';
import { ModelClient } from '../support/model-client.ts';
import { IN_MEMORY, PooledHouse } from './support/pooled-house.ts';
import { settle } from '../support/settle.ts';

t.test('a slow verb gets its turn however busy the lane is', async (t) => {
  const house = await PooledHouse.open({ ...IN_MEMORY, commandConnections: 2 });
  const clients = Array.from({ length: 300 }, (_, i) => {
    return new ModelClient(`c${i}`, null, house.accept());
  });
  await settle(house, 0);
  const [slow, ...busy] = clients;
  let jobs = 0;
  const keepBusy = (): void => {
    for (const client of busy) {
      jobs += 1;
      if (client.outstanding.length < 4) client.send('PUSH', { jid: `j${jobs}`, queue: 'q' });
    }
    for (const end of house.network.deliverable) end.deliver(Infinity);
  };
  keepBusy();
  slow?.send('MUTATE');
  for (let turn = 0; turn < 200 && slow?.outstanding.length === 1; turn += 1) {
    keepBusy();
    for (const connection of house.faktory.busy) house.faktory.step(connection);
    await new Promise(setImmediate);
  }
  t.equal(slow?.outstanding.length, 0);
});

t.test('PUSHes that wait for each other get their turn however busy the lane is', async (t) => {
  const house = await PooledHouse.open({ ...IN_MEMORY, bulkPush: true });
  const clients = Array.from({ length: 300 }, (_, i) => {
    return new ModelClient(`c${i}`, null, house.accept());
  });
  await settle(house, 0);
  const [one, two, ...busy] = clients;
  const pushers = [one, two];
  const keepBusy = (): void => {
    for (const client of busy) {
      if (client.outstanding.length < 4) client.send('ACK', { jid: 'none' });
    }
    for (const end of house.network.deliverable) end.deliver(Infinity);
  };
  const turn = async (): Promise<void> => {
    keepBusy();
    for (const connection of house.faktory.busy) house.faktory.step(connection);
    await new Promise(setImmediate);
  };
  for (let turns = 0; turns < 10; turns += 1) await turn();
  // It is known by then how long Faktory works on a command.
  house.clock.advance(50);
  for (const pusher of pushers) pusher?.send('PUSH', { jid: `${pusher.name}-job`, queue: 'q' });
  const wait = (): number => pushers.filter((pusher) => pusher?.outstanding.length === 1).length;
  for (let turns = 0; turns < 1000 && wait() > 0; turns += 1) {
    await turn();
  }
  t.equal(wait(), 0);
  t.equal(house.counts.lanes.bulkPushes.jobs, 2);
});

t.test('commands of one turn go in one write per connection', async (t) => {
  const house = await PooledHouse.open(IN_MEMORY);
  const clients = Array.from({ length: 6 }, (_, i) => {
    return new ModelClient(`c${i}`, null, house.accept());
  });
  await settle(house, 0);
  for (const [i, client] of clients.entries()) client.send('PUSH', { jid: `j${i}`, queue: 'q' });
  for (const end of house.network.deliverable) end.deliver(Infinity);
  await new Promise(setImmediate);
  const writes = [...house.faktory.connections].map(({ socket }) => socket.writes);
  t.same(
    writes.filter((count) => count > 0),
    [2],
    'the first at once, the rest together',
  );
  await settle(house, 0);
  t.same(
    clients.flatMap(({ problems }) => problems),
    [],
  );
  t.equal(house.faktory.jobs.size, 6);
});

// One of the connections is kept for what Faktory answers from memory.
t.test('large commands take a connection each, small ones are packed on few', async (t) => {
  for (const [argument, connections] of [
    ['', 8],
    ['x'.repeat(5000), 12],
  ] as const) {
    const house = await PooledHouse.open({ ...IN_MEMORY, commandConnections: 13 });
    const clients = Array.from({ length: 12 }, (_, i) => {
      return new ModelClient(`c${i}`, null, house.accept());
    });
    await settle(house, 0);
    for (const [i, client] of clients.entries()) {
      client.send('PUSH', { jid: `j${i}`, queue: 'q', args: [argument] });
    }
    for (const end of house.network.deliverable) end.deliver(Infinity);
    await new Promise(setImmediate);
    const used = [...house.faktory.connections].filter(({ socket }) => socket.writes > 0);
    t.equal(used.length, connections, `${argument.length} B of argument`);
    await settle(house, 0);
    t.equal(house.faktory.jobs.size, 12);
  }
});

t.test('several sets of one connection each get a FETCH in turn', async (t) => {
  const house = await PooledHouse.open(IN_MEMORY);
  const sets = ['a', 'b', 'c'];
  const clients = sets.map((set) => new ModelClient(set, 'w1', house.accept()));
  await settle(house, 0);
  const sent: string[] = [];
  for (let round = 0; round < 80; round += 1) {
    for (const client of clients.slice(0, round + 1)) {
      if (client.outstanding.length === 0) client.fetch([client.name]);
    }
    await settle(house, 250);
    for (const { wid, blocked } of house.faktory.connections) {
      const set = blocked?.queues.join();
      if (wid === 'w1' && set !== undefined && set !== sent.at(-1)) sent.push(set);
    }
  }
  t.same(sent.slice(0, 3), sets);
  for (const set of sets)
    t.ok(sent.filter((one) => one === set).length >= 2, `${set}: ${sent.join()}`);
});

for (const [silentMs, isClosed] of [
  [58_000, false],
  [60_250, true],
] as const) {
  t.test(
    `a worker silent for ${silentMs} ms that Faktory closes: closed ${isClosed}`,
    async (t) => {
      const house = await PooledHouse.open({ ...IN_MEMORY, commandConnections: 2 });
      const client = new ModelClient('c', 'w1', house.accept());
      await settle(house, silentMs);
      t.equal(client.isReady, true);
      for (const connection of house.faktory.connections) {
        if (connection.wid === 'w1') house.faktory.reset(connection);
      }
      await settle(house, 1000);
      t.equal(client.wasClosed, isClosed);
      const revived = [...house.faktory.connections].some(({ wid }) => wid === 'w1');
      t.equal(revived, !isClosed);
      t.equal(house.counts.client.ends.values.worker_expired, isClosed ? 1 : 0);
    },
  );
}

for (const [wid, isClosed] of [
  ['w1', false],
  ['w2', true],
] as const) {
  t.test(`a worker whose client says BEAT for ${wid} only: closed ${isClosed}`, async (t) => {
    const house = await PooledHouse.open({ ...IN_MEMORY, commandConnections: 2 });
    const client = new ModelClient('c', 'w1', house.accept());
    const other = new ModelClient('o', 'w2', house.accept());
    await settle(house, 30_000);
    client.send('BEAT', { wid });
    await settle(house, 30_250);
    t.equal(client.answered, 1);
    for (const connection of house.faktory.connections) {
      if (connection.wid === 'w1') house.faktory.reset(connection);
    }
    await settle(house, 1000);
    t.equal(client.wasClosed, isClosed);
    t.equal(other.wasClosed, false);
  });
}

t.test('a worker lives by a BEAT that another client says for it', async (t) => {
  const house = await PooledHouse.open({ ...IN_MEMORY, commandConnections: 2 });
  const client = new ModelClient('c', 'w1', house.accept());
  const other = new ModelClient('o', 'w2', house.accept());
  await settle(house, 30_000);
  other.send('BEAT', { wid: 'w1' });
  await settle(house, 30_250);
  for (const connection of house.faktory.connections) {
    if (connection.wid === 'w1') house.faktory.reset(connection);
  }
  await settle(house, 1000);
  t.equal(client.wasClosed, false);
});

/** A client of worker w1, after two others were there: one got a job, the other left in FETCH. */
async function comeBack(house: PooledHouse): Promise<ModelClient> {
  const [a, b] = ['a', 'b'].map((name) => new ModelClient(name, 'w1', house.accept()));
  const producer = new ModelClient('p', null, house.accept());
  await settle(house, 0);
  a?.fetch(['qa']);
  await settle(house, 0);
  b?.fetch(['qb']);
  await settle(house, 0);
  producer.send('PUSH', { jid: 'job1', queue: 'qa' });
  await settle(house, 0);
  a?.close();
  b?.close();
  await settle(house, 0);
  const back = new ModelClient('back', 'w1', house.accept());
  await settle(house, 0);
  return back;
}

t.test('a worker that comes back while a FETCH of before is at Faktory stays known', async (t) => {
  const house = await PooledHouse.open({ ...IN_MEMORY, fetchesPerWorker: 2 });
  const back = await comeBack(house);
  t.ok(back.isReady);
  await settle(house, 6000);
  const ofWorker = [...house.faktory.connections].filter(({ wid }) => wid === 'w1');
  t.equal(ofWorker.length, 1, 'Faktory knows the worker');
  back.send('BEAT', { wid: 'w1' });
  await settle(house, 0);
  t.equal(back.outstanding.length, 0, 'BEAT is answered');
});

t.test('it gets jobs though others have taken every free place', async (t) => {
  const house = await PooledHouse.open({
    ...IN_MEMORY,
    fetchesPerWorker: 2,
    serverConnections: 5,
    producerReserve: 2,
  });
  const back = await comeBack(house);
  const others = ['w2', 'w3', 'w4'].map((wid) => new ModelClient(wid, wid, house.accept()));
  await settle(house, 6000);
  t.ok(others.some(({ isReady }) => isReady));
  const producer = new ModelClient('p2', null, house.accept());
  await settle(house, 0);
  producer.send('PUSH', { jid: 'job2', queue: 'qb' });
  back.fetch(['qb']);
  await settle(house, 3000);
  t.same(back.got, ['job2']);
});

t.test('a worker over the cap on FETCHes gets its turn, however late', async (t) => {
  const house = await PooledHouse.open({ ...IN_MEMORY, fetchesInFlight: 1 });
  const clients = [
    { client: new ModelClient('a', 'w1', house.accept()), queue: 'qa' },
    { client: new ModelClient('b', 'w2', house.accept()), queue: 'qb' },
  ];
  const producer = new ModelClient('p', null, house.accept());
  await settle(house, 0);
  producer.send('PUSH', { jid: 'job1', queue: 'qb' });
  await settle(house, 0);
  const [first, second] = clients;
  first?.client.fetch(['qa']);
  // Its FETCH would be too old to be sent whenever the other's ends.
  await settle(house, 500);
  second?.client.fetch(['qb']);
  for (let ms = 0; ms < 8000; ms += 250) {
    for (const { client, queue } of clients) {
      if (client.outstanding.length === 0) client.fetch([queue]);
    }
    await settle(house, 250);
  }
  t.same(second?.client.got, ['job1']);
});

t.test('a FETCH that nobody waits for any more is not sent', async (t) => {
  const house = await PooledHouse.open({ ...IN_MEMORY, fetchesInFlight: 1 });
  const a = new ModelClient('a', 'w1', house.accept());
  const b = new ModelClient('b', 'w2', house.accept());
  const stays = new ModelClient('b2', 'w2', house.accept());
  const producer = new ModelClient('p', null, house.accept());
  await settle(house, 0);
  t.ok(stays.isReady);
  producer.send('PUSH', { jid: 'job1', queue: 'qb' });
  await settle(house, 0);
  a.fetch(['qa']);
  await settle(house, 1250);
  b.fetch(['qb']);
  await settle(house, 0);
  b.close();
  await settle(house, 3000);
  t.equal(house.faktory.jobs.get('job1')?.where, 'queued');
});

t.test('what waits is sent when a lost connection makes room', async (t) => {
  const house = await PooledHouse.open({ ...IN_MEMORY, commandConnections: 2 });
  const a = new ModelClient('a', null, house.accept());
  const b = new ModelClient('b', null, house.accept());
  await settle(house, 0);
  const deliver = async (except: unknown = null): Promise<void> => {
    for (const end of house.network.deliverable) if (end !== except) end.deliver(Infinity);
    await new Promise(setImmediate);
  };
  a.send('MUTATE');
  await deliver();
  await deliver();
  const [busy] = house.faktory.busy;
  if (busy === undefined) throw new Error('Cannot lose the connection: nothing is on its way');
  b.send('MUTATE');
  await deliver(busy.socket);
  house.faktory.isListening = false;
  house.faktory.reset(busy);
  await settle(house, 3000);
  t.equal(b.outstanding.length, 0);
});

for (const [connections, slowClients] of [
  [1, 0],
  [2, 3],
] as const) {
  t.test(`an ACK gets its turn over ${connections}, however many PUSHes wait`, async (t) => {
    const house = await PooledHouse.open({
      ...IN_MEMORY,
      commandConnections: connections,
      bulkPush: true,
    });
    const clients = Array.from({ length: 100 }, (_, i) => {
      return new ModelClient(`c${i}`, null, house.accept());
    });
    await settle(house, 0);
    const [one, ...busy] = clients;
    const slow = busy.splice(0, slowClients);
    let jobs = 0;
    const turn = async (): Promise<void> => {
      house.clock.advance(1);
      for (const client of busy) {
        jobs += 1;
        if (client.outstanding.length < 2) client.send('PUSH', { jid: `j${jobs}`, queue: 'q' });
      }
      for (const client of slow) if (client.outstanding.length < 2) client.send('MUTATE');
      for (const end of house.network.deliverable) end.deliver(Infinity);
      for (const connection of house.faktory.busy) house.faktory.step(connection);
      await new Promise(setImmediate);
    };
    for (let i = 0; i < 5; i += 1) await turn();
    one?.send('ACK', { jid: 'none' });
    for (let i = 0; i < 200 && one?.outstanding.length === 1; i += 1) await turn();
    t.equal(one?.outstanding.length, 0);
  });
}

for (const [everyMs, connections] of [
  [400, 1],
  [10, 4],
] as const) {
  t.test(`a job each ${everyMs} ms: ${connections} server connections of the worker`, async (t) => {
    const house = await PooledHouse.open({ ...IN_MEMORY, fetchesPerWorker: 4 });
    const workers = Array.from({ length: 10 }, (_, i) => {
      return new ModelClient(`w${i}`, 'w1', house.accept());
    });
    const producer = new ModelClient('p', null, house.accept());
    await settle(house, 0);
    let most = 0;
    for (let job = 0; job < 40; job += 1) {
      for (const worker of workers) if (worker.outstanding.length === 0) worker.fetch(['q']);
      await settle(house, 0);
      house.clock.advance(everyMs);
      producer.send('PUSH', { jid: `j${job}`, queue: 'q' });
      await settle(house, 0);
      const ofWorker = [...house.faktory.connections].filter(({ wid }) => wid === 'w1');
      most = Math.max(most, ofWorker.length);
    }
    t.equal(most, connections);
    t.ok(workers.reduce((jobs, { got }) => jobs + got.length, 0) >= 39, 'the jobs were fetched');
  });
}
