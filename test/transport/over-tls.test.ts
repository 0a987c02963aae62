// What holds over TCP holds over TLS: half-close, farewells, stalls, bytes.

import t, { type Test } from 'tap';
import { type House, openHouse, pushLine } from '../session/house.ts';
import type { Overrides } from '../support/bouncer.ts';
import { requireCa } from '../support/certificates.ts';
import { ok } from '../support/reply.ts';
import { tlsHouse } from '../support/tls-house.ts';
import { instead } from '../support/toxics.ts';

const MEBIBYTE = 1024 * 1024;

/** As openHouse(), with TLS on both sides. */
async function openSecure(t: Test, overrides: Overrides): Promise<House> {
  const house = await openHouse(t, overrides);
  const { faktory, bouncer } = house;
  const { overrides: tls, client: clientTls } = await tlsHouse(t, faktory.port);
  const { 'server.url': _, 'server.tls.ca': __, ...listen } = tls;
  const quiet = { 'server.info_interval': '0s', 'writes.probe_interval': '0s' };
  bouncer.apply({ port: faktory.port, overrides: { ...quiet, ...overrides, ...listen } });
  return {
    ...house,
    connect: async (options = {}) => {
      const client = await bouncer.connect({ tls: clientTls, ...options });
      t.teardown(() => client.reset());
      return client;
    },
  };
}

for (const mode of ['session', 'pooled']) {
  t.test(`a client that has sent FIN still reads its replies, ${mode} mode`, async (t) => {
    if (requireCa(t) === undefined) return;
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const overrides = { mode, 'pool.bulk_push': false };
      const { faktory, bouncer, connect } = await openSecure(t, overrides);
      const { client: tls } = await tlsHouse(t, faktory.port);
      const client = await connect({ tls: { ...tls, maxVersion } });
      client.send(`${pushLine().line}\r\n${pushLine().line}\r\nINFO\r\n`);
      client.end();
      t.match(await client.readUntilClose(), /^\+OK\r\n\+OK\r\n\$\d+\r\n/);
      t.equal(faktory.lines('PUSH').length, 2);
      await bouncer.metricIs('client_connections_ended_total{reason="client_closed"}', 1);
    }
  });

  t.test(`the bytes of commands and replies are counted, ${mode} mode`, async (t) => {
    if (requireCa(t) === undefined) return;
    const { bouncer, connect } = await openSecure(t, { mode });
    const client = await connect();
    const received = 'bytes_total{direction="client_received"}';
    const sent = 'bytes_total{direction="client_sent"}';
    const before = [await bouncer.metric(received), await bouncer.metric(sent)];
    const { line } = pushLine();
    t.same(await client.command(line), ok);
    const after = [await bouncer.metric(received), await bouncer.metric(sent)];
    t.strictSame(after, [Number(before[0]) + line.length + 2, Number(before[1]) + 5]);
  });
}

t.test('a client that reads nothing is closed, and one that reads on is not', async (t) => {
  if (requireCa(t) === undefined) return;
  const { faktory, bouncer, connect } = await openSecure(t, { write_stall_timeout: '300ms' });
  const reply = `$${16 * MEBIBYTE}\r\n${'x'.repeat(16 * MEBIBYTE)}\r\n`;
  faktory.inject(instead(reply), { on: 'INFO', times: 1 });
  const deaf = await connect();
  deaf.pause();
  deaf.send('INFO\r\n');
  await bouncer.metricIs('client_connections_ended_total{reason="write_stalled"}', 1);
  t.same(await (await connect()).command(pushLine().line), ok);
});

t.test('a refused client reads why, also behind what it had sent', async (t) => {
  if (requireCa(t) === undefined) return;
  const { connect } = await openSecure(t, { max_command_bytes: '1KiB' });
  const client = await connect();
  client.send(`PUSH ${'x'.repeat(16 * 1024)}`);
  t.match(await client.readUntilClose(), /^-ERR command too long/);
});

t.test('a client that goes on sending after its end is cut off', async (t) => {
  if (requireCa(t) === undefined) return;
  const { bouncer, connect } = await openSecure(t, { max_command_bytes: '1KiB' });
  const client = await connect();
  client.send(Buffer.alloc(4 * MEBIBYTE, 'x'));
  await client.closed;
  await bouncer.gaugesAreZero();
});
