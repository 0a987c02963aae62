// Session mode over memory and a clock that the test moves: what takes long, or must be seen within one
// turn of the event loop. Each of these was found by the model (test/model).

import t from 'tap';
import { configFor, type Overrides } from '../support/bouncer.ts';
import { MemoryHouse } from '../support/memory-house.ts';
import { ModelClient } from '../support/model-client.ts';
import { settle } from '../support/settle.ts';

const UNREACHABLE = '-ERR Faktory is unreachable; try again later\r\n';

async function openHouse(overrides: Overrides = {}): Promise<MemoryHouse> {
  const base = { mode: 'session', 'server.info_interval': '0s', ...overrides };
  const house = new MemoryHouse(configFor({ port: 1, overrides: base }), () => 0.5);
  await house.start();
  await settle(house, 0);
  return house;
}

async function connect(house: MemoryHouse, name: string, wid: string | null): Promise<ModelClient> {
  const client = new ModelClient(name, wid, house.accept(), { mayRead: () => true });
  await settle(house, 0);
  return client;
}

/** All that is on its way arrives, and Faktory does nothing. */
async function deliver({ network }: MemoryHouse): Promise<void> {
  for (let turn = 0; turn < 4; turn += 1) {
    for (const end of network.deliverable) end.deliver(Infinity);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function repliesOf({ sent }: ModelClient): (string | null)[] {
  return sent.map(({ reply }) => reply);
}

t.test('what is given up is answered behind what was sent before it', async (t) => {
  const house = await openHouse({ 'limits.commands_in_flight': 1, 'pool.outage_wait': '1s' });
  const other = await connect(house, 'other', null);
  const client = await connect(house, 'client', null);
  other.send('ACK', { jid: 'job1' });
  // It needs no slot, since Faktory answers it without Redis; what is behind it does.
  client.send('FLUSHED');
  client.send('PUSH', { jid: 'job2', queue: 'q' });
  await deliver(house);
  house.clock.advance(5000);
  await deliver(house);
  t.same(repliesOf(client), [null, null], 'nothing overtakes the first');
  await settle(house, 0);
  t.same(repliesOf(client), ['+client-c0\r\n', UNREACHABLE]);
  t.notOk(house.faktory.jobs.get('job2'), 'Faktory has not seen the second');
});

t.test('a PUSH that waits for a slot waits on while writes are held', async (t) => {
  const house = await openHouse({ 'limits.commands_in_flight': 1 });
  const { redis } = house.faktory.commands;
  const other = await connect(house, 'other', null);
  const client = await connect(house, 'client', null);
  other.send('ACK', { jid: 'job1' });
  await deliver(house);
  client.send('PUSH', { jid: 'job2', queue: 'q' });
  await deliver(house);
  redis.enter('refusing');
  // The ACK's error tells of it, and gives the slot to the PUSH.
  await settle(house, 0);
  t.same(repliesOf(client), [null], 'it is not sent');
  redis.enter('well');
  await settle(house, 2000);
  t.same(repliesOf(client), ['+OK\r\n']);
  t.equal(house.faktory.jobs.get('job2')?.pushes, 1);
});

t.test('a client that says FIN in a FETCH that was sent late reads one answer to it', async (t) => {
  const house = await openHouse({ 'limits.fetches_in_flight': 1 });
  const { faktory } = house;
  const other = await connect(house, 'other', 'w1');
  const client = await connect(house, 'client', 'w2');
  other.fetch(['busy']);
  await settle(house, 0);
  client.fetch(['q']);
  client.send('PUSH', { jid: 'job1', queue: 'other' });
  await settle(house, 500);
  faktory.put({ jid: 'job2', queue: 'busy' });
  await settle(house, 0);
  client.end();
  // Faktory does not answer the FETCH, and what is behind it waits for another server connection.
  const silent = [...faktory.connections].find(({ wid }) => wid === 'w2');
  if (silent === undefined) throw new Error('Cannot silence the connection: there is none');
  faktory.silence(silent);
  faktory.isHung = true;
  await settle(house, 2500);
  faktory.isHung = false;
  faktory.speakAgain(silent);
  await settle(house, 3000);
  t.same(client.problems, []);
  t.same(repliesOf(client), ['$-1\r\n', '+OK\r\n']);
});

t.test('a worker whose first FETCH came too late to be sent is not idle', async (t) => {
  const house = await openHouse({
    'limits.server_connections': 2,
    'limits.producer_reserve': 0,
  });
  const producer = await connect(house, 'producer', null);
  producer.send('PUSH', { jid: 'job1', queue: 'q' });
  await settle(house, 0);
  const worker = await connect(house, 'worker', 'w1');
  worker.fetch(['other']);
  // The producer has to be idle for a second before its place goes to the worker.
  await settle(house, 2500);
  t.same(repliesOf(worker), ['$-1\r\n']);
  t.equal(producer.wasClosed, true);
  const next = await connect(house, 'next', null);
  next.send('PUSH', { jid: 'job2', queue: 'q' });
  await settle(house, 6000);
  t.equal(worker.wasClosed, false, 'it keeps its place');
  t.match(next.refusal ?? next.sent[0]?.reply, /too many connections/);
});

t.test('a job that has begun to arrive is not overtaken by nil', async (t) => {
  const house = await openHouse({ 'limits.fetches_in_flight': 1 });
  const { faktory, network } = house;
  const other = await connect(house, 'other', 'w1');
  const client = await connect(house, 'client', 'w2');
  other.fetch(['busy']);
  await settle(house, 0);
  client.fetch(['q']);
  await settle(house, 500);
  // The FETCH of the client is sent late, so that its 2 s end before Faktory's do.
  faktory.put({ jid: 'other-job', queue: 'busy' });
  await settle(house, 1250);
  faktory.put({ jid: 'large', queue: 'q' });
  for (const connection of faktory.busy) faktory.step(connection);
  const near = [...faktory.connections].find(({ wid }) => wid === 'w2')?.socket.peer;
  if (near === null || near === undefined) throw new Error('Cannot find the FETCH at Faktory');
  near.deliver(10);
  house.clock.advance(3000);
  await new Promise((resolve) => setImmediate(resolve));
  t.same(network.deliverable, [near], 'nothing was said, and the rest is on its way');
  await settle(house, 0);
  t.same([client.got, client.outstanding.length], [['large'], 0]);
  t.equal(house.counts.lanes.fetchesAnsweredNil.total, 0);
});
