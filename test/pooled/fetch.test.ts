// FETCH in pooled mode over memory and a clock that the test moves: when nil comes, who gets a job then,
// and how many server connections the sets of queues get.

import t, { type Test } from 'tap';
import { ModelClient } from '../support/model-client.ts';
import { type HouseOptions, IN_MEMORY, PooledHouse } from './support/pooled-house.ts';
import { settle } from '../support/settle.ts';

/** Room for many sets of queues. */
const ROOMY: HouseOptions = { ...IN_MEMORY, serverConnections: 100, fetchesInFlight: 100 };

function come(house: PooledHouse, wid: string | null, names: readonly string[]): ModelClient[] {
  return names.map((name) => new ModelClient(name, wid, house.accept()));
}

/** The sets of queues of FETCHes that block at Faktory. */
function blockedSets(house: PooledHouse): string[] {
  const sets: string[] = [];
  for (const { blocked } of house.faktory.connections) {
    if (blocked !== null) sets.push(blocked.queues.join(' '));
  }
  return sets.sort();
}

function fetchServers(house: PooledHouse): number {
  return house.bouncer.snapshot().servers.fetch.open;
}

/** Faktory has executed all, and nothing that it said has been delivered. */
async function execute(house: PooledHouse): Promise<void> {
  for (const { socket } of house.faktory.connections) {
    while (socket.isDeliverable) socket.deliver(Infinity);
  }
  await new Promise(setImmediate);
  for (const connection of house.faktory.busy) house.faktory.step(connection);
}

t.test('nil comes 2 s after the FETCH, and not before', async (t) => {
  const house = await PooledHouse.open(ROOMY);
  const [client] = come(house, 'w1', ['c']);
  await settle(house, 0);
  house.clock.advance(100);
  client?.fetch(['q']);
  await settle(house, 0);
  house.clock.advance(1999);
  await settle(house, 0);
  t.equal(client?.outstanding.length, 1);
  house.clock.advance(1);
  await settle(house, 0);
  t.equal(client?.outstanding.length, 0);
  t.same(client?.got, []);
  t.equal(house.counts.lanes.fetchesAnsweredNil.total, 1);
});

t.test('a FETCH that was pipelined has its own 2 s', async (t) => {
  const house = await PooledHouse.open(ROOMY);
  const [client] = come(house, 'w1', ['c']);
  await settle(house, 0);
  client?.fetch(['q']);
  client?.fetch(['q']);
  await settle(house, 0);
  house.clock.advance(2000);
  await settle(house, 0);
  t.equal(client?.outstanding.length, 1, 'the first has nil');
  house.clock.advance(1999);
  await settle(house, 0);
  t.equal(client?.outstanding.length, 1);
  house.clock.advance(1);
  await settle(house, 0);
  t.equal(client?.outstanding.length, 0);
});

t.test('a job that Faktory sends later goes to who asks then', async (t) => {
  const house = await PooledHouse.open({ ...ROOMY, commandConnections: 1 });
  const [client] = come(house, 'w1', ['c']);
  const [producer] = come(house, null, ['p']);
  await settle(house, 0);
  client?.fetch(['q']);
  await settle(house, 0);
  producer?.send('PUSH', { jid: 'late', queue: 'q' });
  for (const end of house.network.deliverable) end.deliver(Infinity);
  await new Promise(setImmediate);
  await execute(house);
  t.equal(house.faktory.jobs.get('late')?.where, 'reserved', 'its reply is on the way');
  house.clock.advance(2000);
  await settle(house, 0);
  t.same(client?.got, []);
  t.equal(client?.outstanding.length, 0, 'nil');
  client?.fetch(['q']);
  await settle(house, 0);
  t.same(client?.got, ['late']);
});

t.test('one that has not heard its nil yet gets no job after its 2 s', async (t) => {
  const house = await PooledHouse.open(ROOMY);
  const [late, next] = come(house, 'w1', ['late', 'next']);
  const [producer] = come(house, null, ['p']);
  await settle(house, 0);
  late?.fetch(['q']);
  await settle(house, 0);
  house.clock.advance(1000);
  next?.fetch(['q']);
  await settle(house, 0);
  // The timers are late, as after a long turn of the event loop.
  house.clock.jump(1000);
  producer?.send('PUSH', { jid: 'job', queue: 'q' });
  await settle(house, 0);
  t.same([late?.got, late?.outstanding.length], [[], 0], 'nil');
  t.same(next?.got, ['job']);
});

/** A client whose job has begun to arrive, and the end of the connection that the rest is on. */
async function halfAJob(house: PooledHouse): Promise<{
  readonly client: ModelClient;
  readonly finish: () => void;
  readonly lose: () => void;
}> {
  const client = new ModelClient('c', 'w1', house.accept());
  const producer = new ModelClient('p', null, house.accept());
  await settle(house, 0);
  client.fetch(['q']);
  await settle(house, 0);
  house.clock.advance(1900);
  producer.send('PUSH', { jid: 'large', queue: 'q', args: ['x'.repeat(1000)] });
  for (const end of house.network.deliverable) end.deliver(Infinity);
  await new Promise(setImmediate);
  await execute(house);
  const connection = [...house.faktory.connections].find(({ wid }) => wid === 'w1');
  const near = connection?.socket.peer;
  if (connection === undefined || near === null || near === undefined) throw new Error('No FETCH');
  near.deliver(10);
  return {
    client,
    finish: () => near.deliver(Infinity),
    lose: () => house.faktory.reset(connection),
  };
}

t.test('a job that has begun to arrive is not overtaken by nil', async (t) => {
  const house = await PooledHouse.open(ROOMY);
  const { client, finish } = await halfAJob(house);
  house.clock.advance(2000);
  t.equal(house.bouncer.snapshot().fetches.waiting, 1);
  t.equal(client.outstanding.length, 1, 'it waits for the end');
  finish();
  await settle(house, 0);
  t.same(client.got, ['large']);
  t.equal(house.counts.lanes.fetchesAnsweredNil.total, 0);
});

t.test('nil comes at once where the rest of it is lost', async (t) => {
  const house = await PooledHouse.open(ROOMY);
  const { client, lose } = await halfAJob(house);
  house.clock.advance(2000);
  lose();
  await settle(house, 0);
  t.same([client.got, client.outstanding.length], [[], 0]);
  t.equal(house.counts.lanes.strayJobs.values.left_reserved, 1);
});

t.test('and 4.5 s after the FETCH where the rest does not come', async (t) => {
  const house = await PooledHouse.open(ROOMY);
  const { client, finish } = await halfAJob(house);
  house.clock.advance(100 + 2499);
  t.equal(house.bouncer.snapshot().fetches.waiting, 1);
  house.clock.advance(1);
  t.equal(house.bouncer.snapshot().fetches.waiting, 0);
  finish();
  await settle(house, 0);
  t.same([client.got, client.outstanding.length], [[], 0]);
  client.fetch(['q']);
  await settle(house, 0);
  t.same(client.got, ['large'], 'the job has waited for who asks next');
});

for (const comesBackMs of [0, 100, 300, 900, 1900]) {
  t.test(
    `two sets in step, one FETCH at a time, clients back after ${comesBackMs} ms: both have turns`,
    async (t) => {
      const house = await PooledHouse.open(ROOMY);
      const clients = [...come(house, 'w1', ['a']), ...come(house, 'w1', ['b'])];
      await settle(house, 0);
      const turns = { a: 0, b: 0 };
      const backAt = new Map(clients.map((client) => [client, 0]));
      for (let ms = 0; ms < 60_000; ms += 50) {
        for (const client of clients) {
          if (client.outstanding.length > 0) continue;
          const due = backAt.get(client) ?? ms + comesBackMs;
          backAt.set(client, due);
          if (ms < due) continue;
          client.fetch([client.name]);
          backAt.delete(client);
          // The first one is always the first to ask.
          await settle(house, 0);
        }
        for (const set of blockedSets(house)) turns[set as 'a' | 'b'] += 1;
        house.clock.advance(50);
        await settle(house, 0);
      }
      t.ok(turns.a > 200 && turns.b > 150, JSON.stringify(turns));
    },
  );
}

t.test('of two workers in step, one FETCH at Faktory, none is passed over', async (t) => {
  const house = await PooledHouse.open({ ...ROOMY, fetchesInFlight: 1 });
  const clients = [...come(house, 'w1', ['a']), ...come(house, 'w2', ['b'])];
  await settle(house, 0);
  const turns = { a: 0, b: 0 };
  for (let ms = 0; ms < 40_000; ms += 50) {
    for (const client of clients) {
      if (client.outstanding.length === 0) client.fetch([client.name]);
    }
    await settle(house, 0);
    for (const set of blockedSets(house)) turns[set as 'a' | 'b'] += 1;
    house.clock.advance(50);
    await settle(house, 0);
  }
  t.ok(turns.a > 200 && turns.b > 200, JSON.stringify(turns));
});

for (const wid of ['w1', null]) {
  t.test(`60 clients with a queue each have 60 FETCHes at Faktory: wid ${wid}`, async (t) => {
    const house = await PooledHouse.open({ ...ROOMY, fetchesPerWorkerMax: 100 });
    const queues = Array.from({ length: 60 }, (_, i) => `q${String(i).padStart(2, '0')}`);
    const clients = come(house, wid, queues);
    await settle(house, 0);
    for (const client of clients) client.fetch([client.name]);
    await settle(house, 0);
    t.same(blockedSets(house), queues);
    t.equal(fetchServers(house), 60);
    for (const client of clients) client.close();
    await settle(house, 6000);
    t.same(house.leftovers(), []);
  });
}

t.test('one worker has no more server connections than its maximum', async (t) => {
  const house = await PooledHouse.open({ ...ROOMY, fetchesPerWorkerMax: 3 });
  const clients = come(house, 'w1', ['a', 'b', 'c', 'd']);
  await settle(house, 0);
  for (const client of clients) client.fetch([client.name]);
  await settle(house, 0);
  t.equal(fetchServers(house), 3);
  const [first] = clients;
  first?.close();
  await settle(house, 2250);
  t.same(blockedSets(house), [], 'all had nil');
  for (const client of clients.slice(1)) client.fetch([client.name]);
  await settle(house, 0);
  t.same(blockedSets(house), ['b', 'c', 'd']);
});

t.test('and without a wid each client has as many', async (t) => {
  const house = await PooledHouse.open({ ...ROOMY, fetchesPerWorkerMax: 1 });
  const clients = come(house, null, ['a', 'b', 'c']);
  await settle(house, 0);
  for (const client of clients) client.fetch([client.name]);
  await settle(house, 0);
  t.equal(fetchServers(house), 3);
});

/** Six server connections in all, of which three are there for FETCHes. */
const FULL = { ...ROOMY, serverConnections: 6, producerReserve: 3, fetchesPerWorkerMax: 9 };

t.test('a worker that waits for a place gets that of a second set of another', async (t) => {
  const house = await PooledHouse.open(FULL);
  const busy = come(house, 'w1', ['a', 'b', 'c']);
  await settle(house, 0);
  for (const client of busy) client.fetch([client.name]);
  await settle(house, 0);
  t.equal(fetchServers(house), 3);
  const [newcomer] = come(house, 'w2', ['d']);
  await settle(house, 0);
  newcomer?.send('BEAT', { wid: 'w2' });
  await settle(house, 2250);
  t.equal(newcomer?.outstanding.length, 0, 'it has its place');
  t.equal(house.counts.server.ends.values.yielded, 1);
});

t.test('so it does where clients without wid hold it', async (t) => {
  const house = await PooledHouse.open(FULL);
  const busy = come(house, null, ['a', 'b', 'c', 'd']);
  await settle(house, 0);
  for (const client of busy) client.fetch([client.name]);
  await settle(house, 0);
  t.equal(fetchServers(house), 4, 'one of the producers, three of the workers');
  const [newcomer] = come(house, 'w2', ['e']);
  await settle(house, 0);
  newcomer?.send('BEAT', { wid: 'w2' });
  await settle(house, 2250);
  t.equal(newcomer?.outstanding.length, 0, 'it has its place');
  t.equal(house.counts.server.ends.values.yielded, 1);
});

t.test('a place that becomes free goes to a set without a FETCH', async (t) => {
  const house = await PooledHouse.open(FULL);
  const [leaving] = come(house, 'w1', ['leaving']);
  const sets = come(house, 'w2', ['a', 'b', 'c']);
  await settle(house, 0);
  for (const client of sets) client.fetch([client.name]);
  await settle(house, 0);
  t.equal(blockedSets(house).length, 2, 'two of three places');
  leaving?.close();
  await settle(house, 0);
  t.same(blockedSets(house), ['a', 'b', 'c']);
});

/** One turn in which each command at Faktory, FETCHes that block included, takes 20 ms. */
async function slowTurn(house: PooledHouse, busy: readonly ModelClient[]): Promise<void> {
  for (const client of busy) {
    if (client.outstanding.length > 0) continue;
    const held = client.held.shift();
    if (held === undefined) client.fetch(['q']);
    else client.send('ACK', { jid: held });
  }
  for (const end of house.network.deliverable) end.deliver(Infinity);
  await new Promise(setImmediate);
  for (const end of house.network.deliverable) end.deliver(Infinity);
  house.clock.advance(20);
  for (const connection of house.faktory.busy) house.faktory.step(connection);
}

t.test('with a slow server and jobs, as many FETCHes as clients; idle again, one', async (t) => {
  const house = await PooledHouse.open({
    ...ROOMY,
    commandConnections: 20,
    fetchesPerWorker: 2,
    fetchesPerWorkerMax: 40,
  });
  const names = Array.from({ length: 30 }, (_, i) => `c${i}`);
  const clients = come(house, 'w1', names);
  for (let i = 0; i < 5000; i += 1) house.faktory.put({ jid: `j${i}`, queue: 'q' });
  await settle(house, 0);
  let most = 0;
  for (let turn = 0; turn < 150; turn += 1) {
    await slowTurn(house, clients);
    most = Math.max(most, fetchServers(house));
  }
  t.ok(most >= 12, `${most} at most`);
  t.ok(most <= 30, `${most} at most`);
  for (let ms = 0; ms < 6000; ms += 250) {
    for (const client of clients) if (client.outstanding.length === 0) client.fetch(['none']);
    await settle(house, 250);
  }
  t.equal(fetchServers(house), 1);
});

function nilsOf(house: PooledHouse): number {
  return house.counts.lanes.fetchesAnsweredNil.total;
}

async function drainOne(t: Test, queue: string): Promise<PooledHouse> {
  const house = await PooledHouse.open(ROOMY);
  const clients = come(house, 'w1', ['a', 'b', 'c']);
  await settle(house, 0);
  for (const client of clients) {
    client.fetch(['q']);
    await settle(house, 0);
  }
  const [producer] = come(house, null, ['p']);
  await settle(house, 0);
  const drain = { isOver: false };
  void house.bouncer.drain('test').then(() => (drain.isOver = true));
  t.teardown(async () => {
    while (!drain.isOver) await settle(house, 250);
  });
  await settle(house, 0);
  t.equal(nilsOf(house), 2, 'nil at once for all but one');
  t.equal(clients[2]?.outstanding.length, 1, 'the one that may wait longest stays');
  const past = house.faktory.connect();
  t.teardown(() => past.destroy());
  producer?.close();
  house.faktory.put({ jid: 'job', queue });
  await settle(house, 2250);
  return house;
}

t.test('nils of a stop are counted', async (t) => {
  const house = await drainOne(t, 'another');
  t.equal(nilsOf(house), 3);
});

t.test('a job that comes during a stop goes to the client that has stayed', async (t) => {
  const house = await drainOne(t, 'q');
  t.equal(nilsOf(house), 2);
  t.equal(house.faktory.jobs.get('job')?.where, 'reserved');
});
