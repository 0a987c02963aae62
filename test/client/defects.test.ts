// A defect met on one client's behalf: it is logged and counted, it ends that client, and nobody else
// notices, though they share server connections, limits and timers.

import t from 'tap';
import { configFor } from '../support/bouncer.ts';
import { MemoryHouse } from '../support/memory-house.ts';
import { ModelClient } from '../support/model-client.ts';
import { IN_MEMORY, PooledHouse } from '../pooled/support/pooled-house.ts';
import { settle } from '../support/settle.ts';

/** Replaces `object[name]` by one that throws at its next call. */
function failOnce<T extends object>(object: T, name: keyof T & string): void {
  Object.defineProperty(object, name, {
    configurable: true,
    value: () => {
      Reflect.deleteProperty(object, name);
      throw new Error(`of a test: ${name}`);
    },
  });
}

t.test('in a reply: the others on the same server connection read theirs', async (t) => {
  const house = await PooledHouse.open(IN_MEMORY);
  const clients = ['a', 'b', 'c'].map((name) => new ModelClient(name, null, house.accept()));
  await settle(house, 0);
  for (const client of clients) client.send('ACK', { jid: 'none' });
  failOnce(house.counts.client.commands, 'observeMs');
  await settle(house, 0);
  t.strictSame(
    clients.map(({ wasClosed, isGone, answered }) => [wasClosed || isGone, answered]),
    [
      [true, 1],
      [false, 1],
      [false, 1],
    ],
  );
  t.equal(house.counts.client.ends.values.bug, 1);
  t.equal(house.counts.bugs.total, 1);
  t.match(house.bugs[0], /of a test: observeMs/);
  t.equal(house.counts.server.ends.values.bug, 0);
  for (const client of clients) client.close();
  await settle(house, 5000);
  t.strictSame(house.leftovers(), ['bugs: 1 ' + String(house.bugs)]);
});

t.test('in the greeting: that client ends, and those behind it are greeted', async (t) => {
  const house = await PooledHouse.open(IN_MEMORY);
  failOnce(house.counts.client.bytes, 'add');
  const faulty = new ModelClient('faulty', null, house.accept());
  const behind = new ModelClient('behind', null, house.accept());
  await settle(house, 0);
  t.strictSame([faulty.wasAdmitted, behind.wasAdmitted], [false, true]);
  t.equal(house.counts.bugs.total, 1);
  t.equal(house.counts.client.ends.values.bug, 1);
});

t.test('in a timer: the others whose time is over with it are told', async (t) => {
  const house = await PooledHouse.open(IN_MEMORY);
  const silent = [house.accept(), house.accept(), house.accept()];
  for (const end of silent) end.on('error', () => {});
  failOnce(house.counts.client.ends, 'add');
  await settle(house, 5000);
  // Of the first one only the count is missing: it has ended before it was counted.
  t.equal(house.counts.client.ends.values.handshake_timeout, 2);
  t.strictSame(house.leftovers(), ['bugs: 1 ' + String(house.bugs)]);
});

t.test('in the hashing thread: that client ends, and the next is judged', async (t) => {
  const options = { port: 1, password: 's3cret', overrides: { mode: 'pooled' } };
  const house = await new MemoryHouse(configFor(options), () => 0.5).start();
  await settle(house, 0);
  failOnce(house.hasher, 'iteratedSha256');
  const [faulty, behind] = ['faulty', 'behind'].map(
    (name) => new ModelClient(name, null, house.accept(), { password: 's3cret' }),
  );
  await settle(house, 0);
  t.strictSame([faulty?.wasAdmitted, behind?.wasAdmitted], [false, true]);
  t.equal(house.counts.client.ends.values.bug, 1);
  t.match(house.bugs[0], /of a test: iteratedSha256/);
});

t.test('in a command that has waited: its client ends, and those behind it go on', async (t) => {
  const house = await PooledHouse.open(IN_MEMORY);
  const [faulty, behind] = ['faulty', 'behind'].map(
    (name) => new ModelClient(name, null, house.accept()),
  );
  await settle(house, 0);
  house.bouncer.pause();
  for (const client of [faulty, behind]) client?.send('ACK', { jid: `j-${client.name}` });
  await settle(house, 0);
  failOnce(house.counts.lanes.waits, 'observeMs');
  house.bouncer.resume();
  await settle(house, 0);
  t.strictSame([faulty?.answered, behind?.answered], [0, 1]);
  t.equal(house.counts.client.ends.values.bug, 1);
  t.equal(house.counts.bugs.total, 1);
});

t.test('in a FETCH: its client and its server connection end, and others get jobs', async (t) => {
  const house = await PooledHouse.open(IN_MEMORY);
  const [faulty, other] = ['faulty', 'other'].map(
    (name) => new ModelClient(name, name, house.accept()),
  );
  await settle(house, 0);
  failOnce(house.counts.lanes.waits, 'observeMs');
  faulty?.fetch(['q']);
  await settle(house, 500);
  t.equal(house.counts.server.ends.values.bug, 1);
  t.equal(house.counts.client.ends.values.bug, 1);
  other?.fetch(['q']);
  const producer = new ModelClient('producer', null, house.accept());
  await settle(house, 0);
  producer.send('PUSH', { jid: 'long-job', queue: 'q' });
  await settle(house, 500);
  t.strictSame(other?.got, ['long-job']);
});
