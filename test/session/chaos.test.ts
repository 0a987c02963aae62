// Clients that come and go at every stage, by FIN or RST, as one seed decides. Afterwards nothing
// is left of them, and at no time were there more connections to Faktory than the cap allows.

import t from 'tap';
import type { RawClient } from '../support/raw-client.ts';
import { delay, split } from '../support/toxics.ts';
import { openHouse, pushLine, seededRandom } from './house.ts';

const CYCLES = 1000;
const AT_ONCE = 40;
const CAP = 12;

type Stage = (client: RawClient, random: () => number) => Promise<void>;

const stages: Readonly<Record<string, Stage>> = {
  'before HI is read': async () => {},
  'half a HELLO': async (client) => client.send('HELLO {"v":2,"wid'),
  'after HELLO': async (client, random) => sayHello(client, random),
  'HELLO and commands at once': async (client, random) => {
    sayHello(client, random);
    client.send(`${pushLine().line}\r\nPUSH\r\nINFO\r\n`);
  },
  'in a command': async (client, random) => {
    if (await isIn(client, random)) client.send(`${pushLine().line}\r\nINFO\r\nPUSH {"jid"`);
  },
  'after a command': async (client, random) => {
    if (await isIn(client, random)) await client.command(pushLine().line);
  },
  'in FETCH': async (client, random) => {
    if (await isIn(client, random)) client.send('FETCH default other\r\n');
  },
  'after FETCH': async (client, random) => {
    if (await isIn(client, random)) await client.command('FETCH default');
  },
};

function sayHello(client: RawClient, random: () => number): void {
  const wid = random() < 0.5 ? `,"wid":"w${Math.floor(random() * 5)}"` : '';
  client.send(`HELLO {"v":2${wid}}\r\n`);
}

async function isIn(client: RawClient, random: () => number): Promise<boolean> {
  await client.readReply();
  sayHello(client, random);
  return (await client.readReply()).kind === 'status';
}

t.test('1000 clients that leave at every stage leave nothing behind', async (t) => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
  t.comment(`SEED=${seed}`);
  const random = seededRandom(seed);
  const { faktory, bouncer, connect } = await openHouse(
    t,
    {
      'limits.server_connections': CAP,
      'limits.producer_reserve': 3,
      'limits.handshakes': 20,
      'limits.fetches_in_flight': 4,
      'waiting_line.size': 20,
      'waiting_line.timeout': '300ms',
      'pool.hold': '100ms',
    },
    { fetchBlockMs: 30 },
  );
  faktory.inject(delay(2), { on: 'HELLO' });
  faktory.inject(split, { on: 'INFO' });
  const names = Object.keys(stages);
  let over = 0;
  const cycle = async (): Promise<void> => {
    const stage = stages[names[Math.floor(random() * names.length)] ?? ''];
    const client = await connect({ skipHandshake: true });
    await stage?.(client, random).catch(() => {});
    if (bouncer.snapshot().placesTaken.worker > CAP - 3) over += 1;
    for (let turns = Math.floor(random() * 4); turns > 0; turns -= 1) {
      await new Promise(setImmediate);
    }
    if (random() < 0.5) client.reset();
    else client.end();
    await client.closed;
  };
  let started = 0;
  const visitor = async (): Promise<void> => {
    while (started < CYCLES) {
      started += 1;
      await cycle();
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, visitor));
  await bouncer.gaugesAreZero();
  t.equal(over, 0, 'workers kept out of the reserve');
  t.ok(faktory.maxConnections <= CAP, `${faktory.maxConnections} of ${CAP} connections at most`);
  t.same(faktory.panics, []);
  const metrics = await bouncer.metrics();
  let ended = 0;
  for (const [name, value] of metrics) {
    if (name.startsWith('client_connections_ended_total{')) ended += value;
  }
  t.equal(ended, CYCLES, 'each ended for exactly one reason');
  t.equal(metrics.get('unexpected_replies_total'), 0);
  t.equal(metrics.get('client_connections_ended_total{reason="server_lost"}'), 0);
});
