// What a client hears when its server connection, or Faktory as a whole, fails; and that the next
// one is served without a restart of the bouncer.

import t from 'tap';
import { ok } from '../support/reply.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { StandInFaktory } from '../support/stand-in-faktory.ts';
import { startBouncer } from '../support/bouncer.ts';
import * as toxics from '../support/toxics.ts';
import { until } from '../support/waiting.ts';
import { type House, openHeld, openHouse, pushLine } from './house.ts';

const UNREACHABLE = { kind: 'error', text: 'ERR Faktory is unreachable; try again later' } as const;

interface Fault {
  readonly name: string;
  readonly toxic: toxics.Toxic;
  /** What the client hears of the reply before the close. */
  readonly heard: string;
  readonly reason: string;
}

const faults: readonly Fault[] = [
  {
    name: 'a close in place of a reply',
    toxic: toxics.closeBefore,
    heard: '',
    reason: 'server_closed',
  },
  { name: 'a reset', toxic: toxics.reset, heard: '', reason: 'server_reset' },
  { name: 'a half-close', toxic: toxics.halfClose, heard: '', reason: 'server_closed' },
  {
    name: 'a death within the reply',
    toxic: toxics.dieMidReply(2),
    heard: '',
    reason: 'server_closed',
  },
  { name: 'what is no reply', toxic: toxics.garbage(), heard: '', reason: 'protocol_error' },
  {
    name: 'a length that is no number',
    toxic: toxics.instead('$abc\r\n'),
    heard: '',
    reason: 'protocol_error',
  },
  {
    name: 'shutdown in progress',
    toxic: toxics.shutdown,
    heard: '-ERR shutdown in progress\r\n',
    reason: 'server_closed',
  },
  {
    name: 'one reply too many',
    toxic: toxics.extraReply(),
    heard: '+OK\r\n',
    reason: 'protocol_error',
  },
];

for (const { name, toxic, heard, reason } of faults) {
  t.test(`${name} ends the client's connection only, with nothing made up`, async (t) => {
    const { faktory, bouncer, connect } = await openHouse(t);
    const other = await connect();
    const client = await connect();
    faktory.inject(toxic, { on: 'PUSH', times: 1 });
    client.send(`${pushLine().line}\r\n`);
    t.equal(await client.readUntilClose(), heard);
    await bouncer.metricIs(`server_connections_ended_total{reason="${reason}"}`, 1);
    t.equal(await bouncer.metric('client_connections_ended_total{reason="server_lost"}'), 1);
    t.same(await other.command(pushLine().line), ok);
    t.same(await (await connect()).command(pushLine().line), ok);
  });
}

t.test('a reply that nobody asked for ends the connection that it came on', async (t) => {
  const { faktory, bouncer, connect } = await openHouse(t);
  const client = await connect({ wid: 'w' });
  const [connection] = faktory.connectionsOf('w');
  faktory.say('+OK\r\n', connection);
  t.equal(await client.readUntilClose(), '');
  t.equal(await bouncer.metric('unexpected_replies_total'), 1);
  await bouncer.gaugesAreZero();
});

t.test("a death within a streamed reply: what was read was Faktory's, then a close", async (t) => {
  const { faktory, connect } = await openHouse(t);
  const reply = `$200000\r\n${'x'.repeat(150_000)}`;
  faktory.inject(toxics.instead(reply), { on: 'INFO', times: 1 });
  const client = await connect({ wid: 'w' });
  client.send('INFO\r\n');
  await faktory.waitFor((f) => f.lines('INFO').length === 1);
  const isPrefix = (text: string): boolean => reply.startsWith(text);
  faktory.drop();
  t.ok(isPrefix(await client.readUntilClose()));
});

t.test('Faktory away: a client waits within its time, then hears so', async (t) => {
  const overrides = { 'waiting_line.timeout': '400ms' };
  const { clock, faktory, bouncer, connect } = await openHeld(t, overrides);
  await faktory.stop();
  await bouncer.metricIs('faktory_up', 0);
  const opening = 'client_connections{role="producer",state="opening"}';
  const coming = connect();
  await bouncer.metricIs(opening, 1);
  clock.advance(399);
  t.equal(await bouncer.metric(opening), 1);
  clock.advance(1);
  const client = await coming;
  t.same(client.helloReply, UNREACHABLE);
  t.equal(await client.readUntilClose(), '');
  t.equal(await bouncer.metric('faktory_up'), 0);
  t.equal(await bouncer.metric('refusals_total{reason="unreachable"}'), 1);
  await bouncer.gaugesAreZero();
});

t.test('Faktory back: who still waits comes in, nobody restarts anything', async (t) => {
  const { faktory, bouncer, connect } = await openHouse(t);
  await faktory.stop();
  await bouncer.metricIs('faktory_up', 0);
  const waiting = Array.from({ length: 20 }, () => connect());
  await bouncer.metricIs('client_connections{role="producer",state="opening"}', 20);
  await faktory.start();
  for (const client of await Promise.all(waiting)) t.same(client.helloReply, ok);
  await bouncer.metricIs('faktory_up', 1);
  t.ok(faktory.connections <= 21);
});

t.test('Faktory not there at the start: the bouncer starts, and finds it later', async (t) => {
  const faktory = await StandInFaktory.start();
  t.teardown(() => faktory.stop());
  await faktory.stop();
  const clock = new FakeClock();
  t.teardown(clock.run());
  const overrides = { 'waiting_line.timeout': '2s', 'server.info_interval': '0s' };
  const bouncer = await startBouncer(t, { port: faktory.port, overrides, clock });
  const coming = bouncer.connect();
  await until(() => bouncer.snapshot().clients.producer.opening === 1, { what: 'it to wait' });
  clock.advance(2000);
  t.same((await coming).helloReply, UNREACHABLE);
  await faktory.start();
  await bouncer.isUp();
  const client = await bouncer.connect();
  t.same(await client.command(pushLine().line), ok);
  client.reset();
});

t.test('Faktory that accepts and says nothing is unreachable', async (t) => {
  const { faktory, connect } = await openHouse(t, {
    'waiting_line.timeout': '1s',
    'server.connect_timeout': '500ms',
  });
  const lift = faktory.inject(toxics.stall, { on: 'HI' });
  t.same((await connect()).helloReply, UNREACHABLE);
  t.equal((await connect()).helloReply?.kind, 'error');
  lift();
  await comesIn(connect);
});

t.test('Faktory that refuses HELLO or greets as another server is unreachable', async (t) => {
  const overrides = { 'waiting_line.timeout': '1s' };
  const { faktory, connect } = await openHouse(t, overrides);
  for (const [on, text] of [
    ['HELLO', '-ERR no\r\n'],
    ['HI', '220 smtp ready\r\n'],
    ['HI', '-ERR too many connections: 1000\r\n'],
  ] as const) {
    const lift = faktory.inject(toxics.instead(text), { on });
    t.match((await connect()).helloReply, { kind: 'error', text: /^ERR Faktory is unreachable/ });
    lift();
    await comesIn(connect);
  }
});

t.test('only what Faktory said is called a refused login, not a close', async (t) => {
  const { faktory, connect } = await openHouse(t, { 'waiting_line.timeout': '1s' });
  let lift = faktory.inject(toxics.closeBefore, { on: 'HELLO' });
  t.same((await connect()).helloReply, UNREACHABLE);
  lift();
  await comesIn(connect);
  lift = faktory.inject(toxics.instead('-ERR Invalid password\r\n'), { on: 'HELLO' });
  t.match((await connect()).helloReply, { text: /it refused faktory-bouncer; check server.url/ });
  lift();
});

/** Resolves when a client is admitted: dials are made again, after the wait that failures bring. */
async function comesIn(connect: House['connect']): Promise<void> {
  await until(async () => (await connect()).helloReply?.kind === 'status', { what: 'a way in' });
}
