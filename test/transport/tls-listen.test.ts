// A bouncer that speaks TLS with its clients: who gets in, what the others are told, what a reload
// changes, and which sessions resume.

import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connect as tcpConnect } from 'node:net';
import { connect as tlsConnect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import t, { type Test } from 'tap';
import { openHeld, openHouse, pushLine } from '../session/house.ts';
import type { Overrides, RunningBouncer } from '../support/bouncer.ts';
import { requireCa, type TestCa, type PairFiles } from '../support/certificates.ts';
import { RawClient } from '../support/raw-client.ts';
import { ok } from '../support/reply.ts';
import { within } from '../support/waiting.ts';

function tlsOptions(pair: PairFiles, more: Overrides = {}): Overrides {
  return { 'listen.tls.certificate': pair.certificate, 'listen.tls.key': pair.key, ...more };
}

/** What a client needs to trust the bouncer, and to be trusted. */
function clientOptions(ca: TestCa, own?: PairFiles): ConnectionOptions {
  const pair = own && { cert: readFileSync(own.certificate), key: readFileSync(own.key) };
  return { ca: ca.pem, servername: 'localhost', ...pair };
}

async function endedAs(bouncer: RunningBouncer, reason: string, count = 1): Promise<void> {
  await bouncer.metricIs(`client_connections_ended_total{reason="${reason}"}`, count);
}

t.test('a client that speaks TLS is served, in TLS 1.2 and 1.3', async (t) => {
  const ca = requireCa(t);
  if (ca === undefined) return;
  const { faktory, bouncer, connect } = await openHouse(t, tlsOptions(ca.issue()));
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    const client = await connect({ tls: { ...clientOptions(ca), maxVersion } });
    t.same(client.helloReply, ok);
    t.same(await client.command(pushLine().line), ok);
    client.end();
    await client.closed;
  }
  t.equal(faktory.lines('PUSH').length, 2);
  t.equal(await bouncer.metric('tls_handshakes_total{result="full"}'), 2);
  await bouncer.gaugesAreZero();
});

t.test('min_version keeps older versions out', async (t) => {
  const ca = requireCa(t);
  if (ca === undefined) return;
  const options = tlsOptions(ca.issue(), { 'listen.tls.min_version': 'TLSv1.3' });
  const { bouncer, connect } = await openHouse(t, options);
  const old = { ...clientOptions(ca), maxVersion: 'TLSv1.2' } as const;
  await t.rejects(connect({ tls: old }));
  await endedAs(bouncer, 'tls_failed');
  t.same((await connect({ tls: clientOptions(ca) })).helloReply, ok);
});

t.test('a plain client reads that it must speak TLS', async (t) => {
  const ca = requireCa(t);
  if (ca === undefined) return;
  const options = tlsOptions(ca.issue(), { handshake_timeout: '100ms' });
  const { bouncer, connect } = await openHouse(t, options);
  // A client that waits to be greeted, as all do, and ones that speak first.
  for (const first of ['', 'HELLO {"v":2}\r\n', 'GET / HTTP/1.1\r\n\r\n']) {
    const client = await connect({ first, skipHandshake: true });
    t.match(await client.readReply(), { kind: 'error', text: /speaks TLS .*tcp\+tls:\/\// });
    await client.closed;
  }
  await endedAs(bouncer, 'tls_required', 3);
  await bouncer.gaugesAreZero();
});

t.test('a TLS client on a plain port is closed with a reason', async (t) => {
  const ca = requireCa(t);
  if (ca === undefined) return;
  const { bouncer, connect } = await openHouse(t);
  await t.rejects(connect({ tls: clientOptions(ca) }));
  await endedAs(bouncer, 'tls_not_offered');
});

t.test('a handshake that is cut, wrong or slow ends with its reason', async (t) => {
  const ca = requireCa(t);
  if (ca === undefined) return;
  const options = tlsOptions(ca.issue(), { handshake_timeout: '1s' });
  const { bouncer, connect } = await openHouse(t, options);
  const half = await connect({ first: Buffer.from([0x16, 3, 1, 2, 0, 1]), skipHandshake: true });
  t.equal(await half.readUntilClose(), '');
  await endedAs(bouncer, 'handshake_timeout');
  const wrong = await connect({
    first: Buffer.from([0x16, 3, 1, 0, 5, 9, 9, 9, 9, 9]),
    skipHandshake: true,
  });
  await wrong.closed;
  await endedAs(bouncer, 'tls_failed');
  const distrusting = connect({ tls: { servername: 'localhost' } });
  await t.rejects(distrusting, { message: /certificate/ });
  await bouncer.gaugesAreZero();
});

t.test('half-open handshakes are within limits.handshakes', async (t) => {
  const ca = requireCa(t);
  if (ca === undefined) return;
  const options = tlsOptions(ca.issue(), { 'limits.handshakes': 2 });
  const { bouncer, connect } = await openHouse(t, options);
  const first = Buffer.from([0x16, 3, 1, 2, 0]);
  const half = [
    await connect({ first, skipHandshake: true }),
    await connect({ first, skipHandshake: true }),
  ];
  await bouncer.metricIs('client_connections{role="unknown",state="handshake"}', 2);
  const waiting = connect({ tls: clientOptions(ca) });
  await bouncer.metricIs('client_connections{role="unknown",state="accepted"}', 1);
  half[0]?.reset();
  t.same((await waiting).helloReply, ok);
});

t.test('with a client CA only its clients get in; the others read why', async (t) => {
  const ca = requireCa(t);
  const strangers = requireCa(t);
  if (ca === undefined || strangers === undefined) return;
  const options = tlsOptions(ca.issue(), { 'listen.tls.client_ca': ca.file });
  const { bouncer, connect } = await openHouse(t, options);
  t.same((await connect({ tls: clientOptions(ca, ca.issue()) })).helloReply, ok);
  for (const own of [undefined, strangers.issue(), ca.issue({ days: -1 })]) {
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const tls = { ...clientOptions(ca, own), maxVersion };
      const client = await connect({ tls, skipHandshake: true });
      t.match(await client.readReply(), { kind: 'error', text: /does not accept the certificate/ });
      await client.closed;
    }
  }
  await endedAs(bouncer, 'tls_certificate_refused', 6);
});

t.test('a PROXY header stands before the handshake, in the same bytes or not', async (t) => {
  const ca = requireCa(t);
  if (ca === undefined) return;
  const { connect } = await openHouse(t, {
    ...tlsOptions(ca.issue()),
    'listen.proxy_protocol': 'required',
    'listen.proxy_trusted': '127.0.0.1',
    'limits.per_address': 1,
    'waiting_line.size': 0,
  });
  const first = 'PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n';
  t.same((await connect({ first, tls: clientOptions(ca) })).helloReply, ok);
  const second = await connect({ first, tls: clientOptions(ca) });
  t.match(second.helloReply, { text: /limits\.per_address/ });
  const v2 = Buffer.from('\r\n\r\n\0\r\nQUIT\n\x20\0\0\0', 'latin1');
  t.same((await connect({ first: v2, tls: clientOptions(ca) })).helloReply, ok);
});

t.test('header and ClientHello in one segment, or in single bytes', async (t) => {
  const ca = requireCa(t);
  if (ca === undefined) return;
  const { bouncer } = await openHouse(t, {
    ...tlsOptions(ca.issue()),
    'listen.proxy_protocol': 'on',
    'listen.proxy_trusted': '127.0.0.1',
  });
  const header = Buffer.from('PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n');
  const hello = await clientHello(t);
  for (const pieces of [[Buffer.concat([header, hello])], [...header, ...hello].map((b) => [b])]) {
    const socket = tcpConnect({ host: '127.0.0.1', port: bouncer.port, noDelay: true });
    t.teardown(() => socket.destroy());
    const answer = new Promise<Buffer>((resolve) => void socket.once('data', resolve));
    for (const piece of pieces) {
      socket.write(Buffer.from(piece));
      await new Promise((resolve) => void setImmediate(resolve));
    }
    const bytes = await within(answer, 10_000, () => 'a ServerHello');
    t.equal(bytes[0], 0x16);
  }
});

/** What a TLS client sends first. */
async function clientHello(t: Test): Promise<Buffer> {
  const { createServer } = await import('node:net');
  const server = createServer();
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const hello = new Promise<Buffer>((resolve) => {
    server.once('connection', (socket) => {
      socket.on('error', () => {});
      socket.once('data', (bytes) => {
        resolve(bytes);
        socket.destroy();
        server.close();
      });
    });
  });
  const client = tlsConnect({ host: '127.0.0.1', port });
  client.on('error', () => {});
  t.teardown(() => client.destroy());
  return hello;
}

t.test('a reload concerns new clients only, and a wrong file changes nothing', async (t) => {
  const ca = requireCa(t);
  if (ca === undefined) return;
  const before = tlsOptions(ca.issue({ names: 'DNS:before' }));
  const { faktory, bouncer, connect } = await openHouse(t, before);
  const old = await connect({ tls: { ...clientOptions(ca), servername: 'before' } });
  const reload = (overrides: Overrides): void => bouncer.apply({ port: faktory.port, overrides });
  const wrong = { ...before, 'listen.tls.key': ca.issue().key };
  t.throws(() => reload(wrong), /Cannot use listen\.tls\.key: the file .* does not belong to/);
  t.same(await old.command(pushLine().line), ok);
  t.same((await connect({ tls: { ...clientOptions(ca), servername: 'before' } })).helloReply, ok);
  reload(tlsOptions(ca.issue({ names: 'DNS:after' })));
  t.same(await old.command(pushLine().line), ok);
  t.same((await connect({ tls: { ...clientOptions(ca), servername: 'after' } })).helloReply, ok);
  await t.rejects(connect({ tls: { ...clientOptions(ca), servername: 'before' } }));
  reload({});
  t.same((await connect()).helloReply, ok, 'TLS can be turned off');
  t.same(await old.command(pushLine().line), ok);
});

/** Connects, and resolves with a session to resume, or null where the server gives none. */
function session(port: number, options: ConnectionOptions): Promise<Buffer> {
  return within(
    new Promise((resolve, reject) => {
      const socket = tlsConnect({ host: '127.0.0.1', port, ...options });
      // With TLS 1.3 the ticket comes behind the handshake.
      socket.once('session', (ticket: Buffer) => {
        socket.destroy();
        resolve(ticket);
      });
      socket.on('error', reject);
    }),
    10_000,
    () => 'a session',
  );
}

/** Whether the session is resumed, and what the server then says. */
function resumes(
  port: number,
  options: ConnectionOptions,
): Promise<{ reused: boolean; said: string }> {
  return within(
    new Promise((resolve, reject) => {
      const socket: TLSSocket = tlsConnect({ host: '127.0.0.1', port, ...options });
      socket.once('data', (bytes: Buffer) => {
        resolve({ reused: socket.isSessionReused(), said: bytes.toString() });
        socket.destroy();
      });
      socket.on('error', reject);
    }),
    10_000,
    () => 'HI',
  );
}

for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
  t.test(`a session outlives a reload of the certificate (${maxVersion})`, async (t) => {
    const ca = requireCa(t);
    if (ca === undefined) return;
    const own = ca.issue();
    const mutual = { 'listen.tls.client_ca': ca.file };
    const { faktory, bouncer } = await openHouse(t, tlsOptions(ca.issue(), mutual));
    const options = { ...clientOptions(ca, own), maxVersion };
    const ticket = await session(bouncer.port, options);
    bouncer.apply({ port: faktory.port, overrides: tlsOptions(ca.issue(), mutual) });
    const resumed = await resumes(bouncer.port, { ...options, session: ticket });
    t.match(resumed, { reused: true, said: /^\+HI / });
    t.equal(await bouncer.metric('tls_handshakes_total{result="resumed"}'), 1);
  });

  t.test(`no session outlives its client CA (${maxVersion})`, async (t) => {
    const ca = requireCa(t);
    const next = requireCa(t);
    if (ca === undefined || next === undefined) return;
    const own = ca.issue();
    const pair = ca.issue();
    const secret = ca.write('tickets', randomBytes(48));
    for (const more of [{}, { 'listen.tls.ticket_key_file': secret }]) {
      const mutual = (file: string): Overrides =>
        tlsOptions(pair, { 'listen.tls.client_ca': file, ...more });
      const { faktory, bouncer } = await openHouse(t, mutual(ca.file));
      const options = { ...clientOptions(ca, own), maxVersion };
      const ticket = await session(bouncer.port, options);
      bouncer.apply({ port: faktory.port, overrides: mutual(next.file) });
      const resumed = await resumes(bouncer.port, { ...options, session: ticket });
      t.match(resumed, { reused: false, said: /^-ERR .*does not accept the certificate/ });
    }
  });
}

t.test('sessions outlive a restart with a key file, and only then', async (t) => {
  const ca = requireCa(t);
  if (ca === undefined) return;
  const pair = ca.issue();
  const withFile = { 'listen.tls.ticket_key_file': ca.write('tickets', randomBytes(48)) };
  for (const more of [{}, withFile]) {
    const first = await openHouse(t, tlsOptions(pair, more));
    const ticket = await session(first.bouncer.port, clientOptions(ca));
    const second = await openHouse(t, tlsOptions(pair, more));
    const options = { ...clientOptions(ca), session: ticket };
    const { reused } = await resumes(second.bouncer.port, options);
    t.equal(reused, more === withFile);
  }
});

t.test('a drain and a kill end TLS clients as they end plain ones', async (t) => {
  const ca = requireCa(t);
  if (ca === undefined) return;
  const { bouncer, connect } = await openHouse(t, tlsOptions(ca.issue()));
  const client = await connect({ tls: clientOptions(ca) });
  const first = Buffer.from([0x16, 3, 1, 2, 0]);
  const half = await connect({ first, skipHandshake: true });
  await bouncer.metricIs('client_connections{role="unknown",state="handshake"}', 1);
  await bouncer.drain();
  await Promise.all([client.closed, half.closed]);
  t.pass();
});

t.test('the expiry of the files is a metric', async (t) => {
  const ca = requireCa(t);
  if (ca === undefined) return;
  const options = tlsOptions(ca.issue({ days: 10 }), { 'listen.tls.client_ca': ca.file });
  const { faktory, bouncer } = await openHouse(t, options);
  const name = 'certificate_expiry_timestamp_seconds{option="listen.tls.certificate"}';
  const expiry = await bouncer.metric(name);
  const days = (expiry - Date.now() / 1000) / 86_400;
  t.ok(days > 9 && days <= 10, String(days));
  bouncer.apply({ port: faktory.port, overrides: {} });
  t.equal((await bouncer.metrics()).has(name), false);
});

t.test('a raw client that is cut in the handshake leaves nothing', async (t) => {
  const ca = requireCa(t);
  if (ca === undefined) return;
  const { bouncer } = await openHouse(t, tlsOptions(ca.issue()));
  const hello = await clientHello(t);
  for (const length of [0, 1, 5, hello.length - 1, hello.length]) {
    for (const how of ['end', 'reset'] as const) {
      const first = hello.subarray(0, length);
      const client = await RawClient.connect({ port: bouncer.port, first, skipHandshake: true });
      client[how]();
      await client.closed;
    }
  }
  await bouncer.gaugesAreZero();
});

const DENIED = { code: 'ERR_SSL_TLSV1_ALERT_ACCESS_DENIED' };

/** TLS handshakes that were begun, whatever became of them. */
async function handshakes(bouncer: RunningBouncer): Promise<number> {
  let sum = 0;
  for (const [name, value] of await bouncer.metrics()) {
    if (name.startsWith('tls_handshakes_total{')) sum += value;
  }
  return sum;
}

t.test('an address that is denied costs no handshake, and its client is told so', async (t) => {
  const ca = requireCa(t);
  if (ca === undefined) return;
  const denied = { 'listen.deny': '127.0.0.1', 'limits.handshakes': 1 };
  const { bouncer, connect } = await openHouse(t, tlsOptions(ca.issue(), denied));
  // It holds the one place in the handshake: nobody who needs one gets in.
  const other = await connect({ from: '127.0.0.2', skipHandshake: true, tls: clientOptions(ca) });
  for (let n = 1; n <= 3; n += 1) {
    await t.rejects(connect({ tls: clientOptions(ca) }), DENIED);
    await bouncer.metricIs('refusals_total{reason="address_denied"}', n);
  }
  t.equal(await handshakes(bouncer), 1, 'the one of the other address');
  other.reset();
  await bouncer.gaugesAreZero();
});

t.test('a storm over the connection rate costs no handshake', async (t) => {
  const ca = requireCa(t);
  if (ca === undefined) return;
  const rate = { 'guard.connection_rate': 'block', 'guard.address_connections': 1 };
  // No second passes in which another one is allowed.
  const { bouncer, connect } = await openHeld(t, tlsOptions(ca.issue(), rate));
  let admitted = 0;
  let refused = 0;
  while (refused < 3) {
    const client = await connect({ tls: clientOptions(ca) }).catch((error: unknown) => {
      t.match(error, DENIED);
      return null;
    });
    if (client === null) refused += 1;
    else admitted += 1;
  }
  t.equal(await bouncer.metric('refusals_total{reason="connection_rate"}'), 3);
  t.equal(await handshakes(bouncer), admitted);
});

t.test('an address in a PROXY header that is denied costs no handshake either', async (t) => {
  const ca = requireCa(t);
  if (ca === undefined) return;
  const proxied = {
    'listen.proxy_protocol': 'on',
    'listen.proxy_trusted': '127.0.0.1',
    'listen.deny': '10.0.0.0/8',
  };
  const { bouncer, connect } = await openHouse(t, tlsOptions(ca.issue(), proxied));
  const from = (address: string): string => `PROXY TCP4 ${address} 127.0.0.1 1000 2000\r\n`;
  const tls = clientOptions(ca);
  await t.rejects(connect({ first: from('10.1.2.3'), tls }), DENIED);
  await bouncer.metricIs('refusals_total{reason="address_denied"}', 1);
  t.equal(await handshakes(bouncer), 0);
  t.same((await connect({ first: from('192.0.2.1'), tls })).helloReply, ok);
  t.equal(await handshakes(bouncer), 1);
});
