// Pooled mode over memory and a clock that the test moves: what takes long, or must be seen within
// one turn of the event loop. A file of its own, since it takes the place of net.connect.

import t from 'tap';
import { ModelClient } from './support/model-client.ts';
import { type HouseOptions, PooledHouse } from './support/pooled-house.ts';
import { settle } from './support/settle.ts';

const IN_MEMORY: HouseOptions = {
  random: () => 0.5,
  serverConnections: 20,
  producerReserve: 5,
  commandConnections: 1,
  fetchesPerWorker: 1,
  fetchesInFlight: 8,
};

t.test('a slow verb gets its turn however busy the lane is', async (t) => {
  const house = new PooledHouse({ ...IN_MEMORY, commandConnections: 2 });
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
  const house = new PooledHouse({ ...IN_MEMORY, bulkPush: true });
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
  keepBusy();
  for (const pusher of pushers) pusher?.send('PUSH', { jid: `${pusher.name}-job`, queue: 'q' });
  const wait = (): number => pushers.filter((pusher) => pusher?.outstanding.length === 1).length;
  for (let turn = 0; turn < 300 && wait() > 0; turn += 1) {
    keepBusy();
    for (const connection of house.faktory.busy) house.faktory.step(connection);
    await new Promise(setImmediate);
  }
  t.equal(wait(), 0);
  t.equal(house.counts.bulkPushes.jobs, 2);
});

t.test('commands of one turn go in one write per connection', async (t) => {
  const house = new PooledHouse(IN_MEMORY);
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

t.test('large commands take a connection each, small ones are packed on few', async (t) => {
  for (const [argument, connections] of [
    ['', 8],
    ['x'.repeat(5000), 12],
  ] as const) {
    const house = new PooledHouse({ ...IN_MEMORY, commandConnections: 12 });
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
  const house = new PooledHouse(IN_MEMORY);
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
      const house = new PooledHouse({ ...IN_MEMORY, commandConnections: 2 });
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
      t.equal(house.counts.clientEnds.values.worker_expired, isClosed ? 1 : 0);
    },
  );
}
