// The bouncer's own INFO and PUSHes to new queues, through a whole bouncer in both modes.

import t from 'tap';
import { MODES } from '../../src/config/config.ts';
import { configFor } from '../support/bouncer.ts';
import { MemoryHouse } from '../support/memory-house.ts';
import { ModelClient } from '../support/model-client.ts';
import { settle } from '../support/settle.ts';

const INFO_INTERVAL_MS = 5000;

interface House {
  readonly house: MemoryHouse;
  readonly client: ModelClient;
  /** Lines of clients and INFO, as Faktory took them up. */
  readonly lines: string[];
}

async function open(mode: (typeof MODES)[number]): Promise<House> {
  const overrides = { mode, 'server.info_interval': `${INFO_INTERVAL_MS}ms` };
  const house = new MemoryHouse(configFor({ port: 1, overrides }), () => 0.5);
  const lines: string[] = [];
  house.faktory.onCommand = (_connection, line) => {
    const [verb = ''] = line.split(' ', 1);
    // Not the bouncer's own probe.
    if (verb === 'INFO' || line.includes('"id"')) lines.push(verb);
  };
  await house.start();
  const client = new ModelClient('c', null, house.accept());
  await settle(house, 0);
  lines.length = 0;
  return { house, client, lines };
}

/** All that is on its way arrives; Faktory works on nothing. */
async function deliverAll(house: MemoryHouse): Promise<void> {
  for (let left = 3; left > 0; left -= 1) {
    for (const end of house.network.deliverable) house.deliver(end, Infinity);
    await new Promise(setImmediate);
  }
}

for (const mode of MODES) {
  t.test(`${mode}: INFO waits for the first PUSH to a queue`, async (t) => {
    const { house, client, lines } = await open(mode);
    client.send('PUSH', { jid: 'job-0001', queue: 'new' });
    await deliverAll(house);
    house.clock.advance(INFO_INTERVAL_MS);
    await deliverAll(house);
    t.equal(client.outstanding.length, 1);
    await settle(house, 1000);
    t.same(lines, ['PUSH', 'INFO']);
    t.equal(client.answered, 1);
    client.close();
    await settle(house, 3000);
    t.same(house.leftovers(), []);
  });

  t.test(`${mode}: the first PUSH to a queue waits while INFO is at Faktory`, async (t) => {
    const { house, client, lines } = await open(mode);
    house.clock.advance(INFO_INTERVAL_MS);
    client.send('PUSH', { jid: 'job-0001', queue: 'new' });
    await deliverAll(house);
    t.equal(house.bouncer.snapshot().writes.held, 1);
    await settle(house, 0);
    t.same(lines, ['INFO', 'PUSH']);
    t.equal(client.answered, 1);
  });

  t.test(`${mode}: a client in whose name a PUSH waits for INFO keeps its order`, async (t) => {
    const { house, client, lines } = await open(mode);
    house.clock.advance(INFO_INTERVAL_MS);
    client.send('PUSH', { jid: 'job-0001', queue: 'new' });
    client.send('ACK', { jid: 'none' });
    client.send('PUSH', { jid: 'job-0002', queue: 'other' });
    await settle(house, 1000);
    t.same(lines, ['INFO', 'PUSH', 'ACK', 'PUSH']);
    t.equal(client.answered, 3);
    t.same(client.problems, []);
  });
}
