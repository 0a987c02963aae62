// A bouncer that takes PROXY headers: from whom, what the client's address then is, and what happens
// to those that send none, a wrong one, or one that nobody asked for.

import t from 'tap';
import type { Overrides } from '../support/bouncer.ts';
import { ok } from '../support/reply.ts';
import { openHouse, pushLine } from './house.ts';

const TRUSTED: Overrides = {
  'listen.proxy_protocol': 'on',
  'listen.proxy_trusted': '127.0.0.1',
};
const SIGNATURE = '\r\n\r\n\0\r\nQUIT\n';
const LOCAL = Buffer.from(`${SIGNATURE}\x20\0\0\0`, 'latin1');

function header(source: string): string {
  return `PROXY TCP4 ${source} 192.0.2.99 1234 7419\r\n`;
}

t.test("the header's address is the one that limits.per_address counts", async (t) => {
  const { bouncer, connect } = await openHouse(t, {
    ...TRUSTED,
    'limits.per_address': 1,
    'waiting_line.size': 0,
  });
  const first = await connect({ first: header('192.0.2.1') });
  t.same(first.helloReply, ok);
  const overTheLimit = await connect({ first: header('192.0.2.1') });
  t.match(overTheLimit.helloReply, { kind: 'error', text: /limits\.per_address/ });
  t.same((await connect({ first: header('192.0.2.2') })).helloReply, ok);
  first.end();
  await first.closed;
  t.same((await connect({ first: header('192.0.2.1') })).helloReply, ok);
  t.equal(await bouncer.metric('refusals_total{reason="per_address"}'), 1);
});

t.test('LOCAL and UNKNOWN keep the address of the connection', async (t) => {
  const { connect } = await openHouse(t, {
    ...TRUSTED,
    'limits.per_address': 1,
    'waiting_line.size': 0,
  });
  t.same((await connect({ first: LOCAL })).helloReply, ok);
  const second = await connect({ first: 'PROXY UNKNOWN\r\n' });
  t.match(second.helloReply, { kind: 'error', text: /limits\.per_address/ });
});

t.test('commands right behind the header reach Faktory', async (t) => {
  const { faktory, connect } = await openHouse(t, TRUSTED);
  const { line } = pushLine();
  const first = `${header('192.0.2.1')}HELLO {"v":2}\r\n${line}\r\n`;
  const client = await connect({ first, skipHandshake: true });
  t.equal((await client.readReply()).kind, 'status');
  t.same([await client.readReply(), await client.readReply()], [ok, ok]);
  t.equal(faktory.lines('PUSH').length, 1);
});

t.test('a header in single bytes is read', async (t) => {
  const { connect } = await openHouse(t, TRUSTED);
  const [first = '', ...more] = header('192.0.2.1');
  const client = await connect({ first, skipHandshake: true });
  for (const byte of more) {
    client.send(byte);
    await new Promise((resolve) => setImmediate(resolve));
  }
  t.match(await client.readReply(), { kind: 'status', text: /^HI / });
});

t.test('a trusted address without a header in time is told what is missing', async (t) => {
  const { bouncer, connect } = await openHouse(t, { ...TRUSTED, handshake_timeout: '50ms' });
  for (const first of ['', 'PROXY TCP4 192.0.2.1']) {
    const client = await connect({ first, skipHandshake: true });
    t.match(await client.readReply(), {
      kind: 'error',
      text: /^ERR expected a PROXY protocol header .*listen\.proxy_protocol/,
    });
    await client.closed;
  }
  await bouncer.metricIs('client_connections_ended_total{reason="proxy_header_missing"}', 2);
});

t.test('a trusted address with a wrong header is told so at once', async (t) => {
  const { bouncer, connect } = await openHouse(t, { ...TRUSTED, handshake_timeout: '1m' });
  for (const first of ['HELLO {"v":2}\r\n', 'PROXY TCP4 192.0.2.256 192.0.2.1 1 2\r\n']) {
    const client = await connect({ first, skipHandshake: true });
    t.match(await client.readReply(), { kind: 'error', text: /expected a PROXY/ });
    await client.closed;
  }
  const cut = await connect({ first: 'PROXY TCP4', skipHandshake: true });
  cut.end();
  t.match(await cut.readUntilClose(), 'expected a PROXY');
  await bouncer.metricIs('client_connections_ended_total{reason="proxy_header_invalid"}', 3);
  const silent = await connect({ skipHandshake: true });
  silent.end();
  await silent.closed;
  await bouncer.metricIs('client_connections_ended_total{reason="client_closed"}', 1);
  await bouncer.gaugesAreZero();
});

t.test('other addresses are clients of their own, whose headers nobody believes', async (t) => {
  const { bouncer, connect } = await openHouse(t, {
    ...TRUSTED,
    'limits.per_address': 1,
    'waiting_line.size': 0,
  });
  t.same((await connect({ from: '127.0.0.2' })).helloReply, ok);
  const second = await connect({ from: '127.0.0.2' });
  t.match(second.helloReply, { kind: 'error', text: /limits\.per_address/ });
  for (const first of [header('192.0.2.1'), LOCAL]) {
    const liar = await connect({ from: '127.0.0.3', first, skipHandshake: true });
    await liar.closed;
    t.match(liar.heard, /^\+HI [^\n]*\n$/);
  }
  await bouncer.metricIs('client_connections_ended_total{reason="proxy_not_expected"}', 2);
});

t.test('a second header is not read as one', async (t) => {
  const { bouncer, connect } = await openHouse(t, TRUSTED);
  const first = header('192.0.2.1') + header('192.0.2.2');
  const client = await connect({ first, skipHandshake: true });
  await client.closed;
  await bouncer.metricIs('client_connections_ended_total{reason="proxy_not_expected"}', 1);
});

t.test('without listen.proxy_protocol a header is not believed', async (t) => {
  const { bouncer, connect } = await openHouse(t);
  const client = await connect({ first: header('192.0.2.1'), skipHandshake: true });
  await client.closed;
  await bouncer.metricIs('client_connections_ended_total{reason="proxy_not_expected"}', 1);
});

t.test('where the proxy is required, others are told so', async (t) => {
  const required = { ...TRUSTED, 'listen.proxy_protocol': 'required' };
  const { bouncer, connect } = await openHouse(t, required);
  const past = await connect({ from: '127.0.0.2', skipHandshake: true });
  t.match(await past.readReply(), { kind: 'error', text: /^ERR connect through the proxy/ });
  await past.closed;
  await bouncer.metricIs('client_connections_ended_total{reason="proxy_untrusted"}', 1);
  t.same((await connect({ first: header('192.0.2.1') })).helloReply, ok);
});

t.test('silent connections of a proxy are within limits.handshakes', async (t) => {
  const { bouncer, connect } = await openHouse(t, { ...TRUSTED, 'limits.handshakes': 2 });
  const silent = await connect({ skipHandshake: true });
  await connect({ first: header('192.0.2.1'), skipHandshake: true });
  await bouncer.metricIs('client_connections{role="unknown",state="handshake"}', 2);
  const third = await connect({ first: header('192.0.2.3'), skipHandshake: true });
  await bouncer.metricIs('client_connections{role="unknown",state="accepted"}', 1);
  t.equal(third.heard, '');
  silent.end();
  t.match(await third.readReply(), { kind: 'status', text: /^HI / });
});

t.test('a drain closes connections whose header is missing', async (t) => {
  const { bouncer, connect } = await openHouse(t, TRUSTED);
  const silent = await connect({ skipHandshake: true });
  await bouncer.metricIs('client_connections{role="unknown",state="handshake"}', 1);
  await bouncer.drain();
  await silent.closed;
  t.pass();
});
