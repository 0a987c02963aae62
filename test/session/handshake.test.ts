// From connecting to +OK: what the bouncer says, when it closes without a word, and passwords on
// both sides of it.

import t from 'tap';
import { startBouncer } from '../support/bouncer.ts';
import { ok, replyText } from '../support/reply.ts';
import { passwordHash } from '../support/raw-client.ts';
import { StandInFaktory } from '../support/stand-in-faktory.ts';
import { stall } from '../support/toxics.ts';
import { until } from '../support/waiting.ts';
import { openHeld, openHouse } from './house.ts';

t.test('a client that says no HELLO in time is closed without a word', async (t) => {
  const { clock, bouncer, connect } = await openHeld(t, { handshake_timeout: '200ms' });
  const silent = await connect({ skipHandshake: true });
  const halfway = await connect({ skipHandshake: true });
  halfway.send('HELLO {"v":2');
  await bouncer.metricIs('client_connections{role="unknown",state="handshake"}', 2);
  clock.advance(199);
  t.equal(bouncer.snapshot().clients.unknown.handshake, 2);
  clock.advance(1);
  for (const client of [silent, halfway]) {
    t.equal(await client.readUntilClose(), '+HI {"v":2}\r\n');
  }
  t.equal(await bouncer.metric('client_connections_ended_total{reason="handshake_timeout"}'), 2);
  await bouncer.gaugesAreZero();
});

t.test('a HELLO that Faktory would close on is closed on without a word', async (t) => {
  const { faktory, bouncer, connect } = await openHouse(t);
  const lines = [
    'HELLO',
    'HELLO []',
    'INFO',
    'HELLO {"v":2',
    'HELLO {"v":"2"}',
    'HELLO {"v":256}',
    'HELLO {"pid":"1"}',
    'HELLO {"labels":"a"}',
    '',
    'GET / HTTP/1.1',
  ];
  for (const line of lines) {
    const client = await connect({ skipHandshake: true });
    client.send(`${line}\r\n`);
    t.equal(await client.readUntilClose(), '+HI {"v":2}\r\n', line);
  }
  const endless = await connect({ skipHandshake: true });
  endless.send(`HELLO {"wid":"${'x'.repeat(70_000)}`);
  t.equal(await endless.readUntilClose(), '+HI {"v":2}\r\n');
  t.equal(await bouncer.metric('client_connections_ended_total{reason="bad_hello"}'), 10);
  // A PROXY header of version 2 begins with an empty line.
  t.equal(await bouncer.metric('client_connections_ended_total{reason="proxy_not_expected"}'), 1);
  t.equal(faktory.lines('HELLO').length, 1, 'the probe only');
  await bouncer.gaugesAreZero();
});

t.test('HELLO in pieces, with bare LF and a command behind it, is understood', async (t) => {
  const { connect } = await openHouse(t);
  const client = await connect({ skipHandshake: true });
  await client.readReply();
  for (const piece of ['HEL', 'LO {"v":2,"wid":"w', '1","pid":1}', '\nINF']) {
    client.send(piece);
    await new Promise(setImmediate);
  }
  t.same(await client.readReply(), ok);
  client.send('O\n');
  t.match(await client.readReply(), { kind: 'bulk', text: /"connections":2/ });
});

t.test('limits.handshakes: n are greeted, n + 1 when one has said HELLO', async (t) => {
  const { bouncer, connect } = await openHouse(t, { 'limits.handshakes': 2 });
  const first = await connect({ skipHandshake: true });
  const second = await connect({ skipHandshake: true });
  await Promise.all([first.readReply(), second.readReply()]);
  const third = await connect({ skipHandshake: true });
  const inState = (state: string) => `client_connections{role="unknown",state="${state}"}`;
  await bouncer.metricIs(inState('accepted'), 1);
  t.equal(third.heard, '');
  t.same(await first.command('HELLO {"v":2}'), ok);
  t.equal(replyText(await third.readReply()), '+HI {"v":2}');
  const fourth = await connect({ skipHandshake: true });
  await bouncer.metricIs(inState('accepted'), 1);
  second.reset();
  t.equal(replyText(await fourth.readReply()), '+HI {"v":2}');
});

t.test('limits.handshakes: one that is not greeted in time hears why', async (t) => {
  const overrides = { 'limits.handshakes': 1, handshake_timeout: '200ms' };
  const { clock, bouncer, connect } = await openHeld(t, overrides);
  const greeted = await connect({ skipHandshake: true });
  await bouncer.metricIs('client_connections{role="unknown",state="handshake"}', 1);
  const others = [await connect({ skipHandshake: true }), await connect({ skipHandshake: true })];
  await bouncer.metricIs('client_connections{role="unknown",state="accepted"}', 2);
  clock.advance(200);
  t.equal(await greeted.readUntilClose(), '+HI {"v":2}\r\n');
  const [next, late] = others;
  t.equal(replyText((await next?.readReply()) ?? ok), '+HI {"v":2}', 'its turn has come');
  t.match(
    await late?.readUntilClose(),
    /^-ERR too many connections: 1 \(limit 1, limits\.handshakes /,
  );
});

for (const how of ['end', 'reset'] as const) {
  t.test(`a client that leaves (${how}) while it is let in leaves no trace`, async (t) => {
    const { faktory, bouncer, connect } = await openHouse(t);
    const lift = faktory.inject(stall, { on: 'HELLO' });
    const client = await connect({ skipHandshake: true });
    await client.readReply();
    client.send('HELLO {"v":2}\r\n');
    await faktory.waitFor((f) => f.lines('HELLO').length === 2, 'the HELLO in its name');
    client[how]();
    await until(() => bouncer.snapshot().clients.producer.opening === 0, { what: 'it to leave' });
    lift();
    await bouncer.gaugesAreZero();
    await faktory.waitFor((f) => f.connections === 1, 'the probe to be alone');
  });
}

t.test("HELLO to Faktory has the client's own fields", async (t) => {
  const { faktory, connect } = await openHouse(t);
  const hello = { v: 2, wid: 'wé"1', hostname: 'h\\1', pid: 42, labels: ['a', 'ü'] };
  await connect({ hello });
  const line = faktory.lines('HELLO').at(-1) ?? '';
  t.same(JSON.parse(line.slice('HELLO '.length)), hello);
});

t.test("the user name of server.url is said on connections that are no client's", async (t) => {
  for (const mode of ['session', 'pooled']) {
    const faktory = await StandInFaktory.start();
    t.teardown(() => faktory.stop());
    const overrides = { mode, 'server.url': `tcp://de%20ploy@127.0.0.1:${faktory.port}` };
    const bouncer = await startBouncer(t, { port: faktory.port, overrides });
    await bouncer.isUp();
    await bouncer.connect({ hello: { v: 2, wid: 'w1', username: 'worker' } });
    const said = faktory
      .lines('HELLO')
      .map((line) => JSON.parse(line.slice('HELLO '.length)) as Record<string, unknown>);
    t.ok(said.length >= 2);
    for (const { wid, username } of said) {
      t.equal(username, wid === 'w1' ? 'worker' : 'de ploy', `${mode}, ${String(wid)}`);
    }
  }
});

t.test('the password: right, wrong, missing, and in one round for v below 2', async (t) => {
  // Time stands: nothing is dialled again because a hash took long.
  const { faktory, bouncer, connect } = await openHeld(t, {}, { password: 'sésame' });
  t.same((await connect({ password: 'sésame' })).helloReply, ok);
  t.same((await connect({ password: 'sésame', hello: { v: 1 } })).helloReply, ok);
  const invalid = { kind: 'error', text: 'ERR Invalid password' };
  const wrong = await connect({ password: 'sesame' });
  t.same(wrong.helloReply, invalid);
  t.equal(await wrong.readUntilClose(), '');
  t.same((await connect()).helloReply, invalid);
  t.equal(faktory.lines('HELLO').length, 3, 'Faktory heard of those with the right one only');
  t.equal(await bouncer.metric('client_connections_ended_total{reason="invalid_password"}'), 2);
});

t.test('the password: an overheard hash opens nothing, nor does an empty one', async (t) => {
  const { connect } = await openHouse(t, {}, { password: 'sesame' });
  const first = await connect({ password: 'sesame' });
  const { s, i } = JSON.parse(first.heard.slice(4, first.heard.indexOf('\r'))) as {
    s: string;
    i: number;
  };
  for (const pwdhash of [passwordHash('sesame', s, i), '']) {
    const client = await connect({ hello: { v: 2, pwdhash } });
    t.same(client.helloReply, { kind: 'error', text: 'ERR Invalid password' });
  }
});

t.test('Faktory asks for another password than ours: refused as unreachable', async (t) => {
  const locked = await StandInFaktory.start({ password: 'other' });
  t.teardown(() => locked.stop());
  const overrides = { 'waiting_line.timeout': '1s' };
  const bouncer = await startBouncer(t, { port: locked.port, overrides });
  const client = await bouncer.connect();
  t.match(client.helloReply, { kind: 'error', text: /^ERR Faktory is unreachable/ });
  t.notOk(bouncer.snapshot().faktory.up);
});
