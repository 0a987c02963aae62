// Who reads slowly harms only himself: big replies arrive whole, what is not read is held back at
// Faktory instead of in memory, and who reads nothing for too long is closed.

import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import t, { type Test } from 'tap';
import { startBouncer } from '../support/bouncer.ts';
import { ok } from '../support/reply.ts';
import { instead, split } from '../support/toxics.ts';
import { until } from '../support/waiting.ts';
import { openHouse, pushLine } from './house.ts';

const MEBIBYTE = 1024 * 1024;

function bulkOf(bytes: number): string {
  return `$${bytes}\r\n${'0123456789abcdef'.repeat(bytes / 16)}\r\n`;
}

t.test('a big reply arrives whole, and so does what follows it', async (t) => {
  const { faktory, connect } = await openHouse(t);
  const reply = bulkOf(16 * MEBIBYTE);
  faktory.inject(instead(reply), { on: 'INFO', times: 1 });
  const client = await connect();
  client.send(`INFO\r\n${pushLine().line}\r\n`);
  const info = await client.readReply();
  t.ok(info.kind === 'bulk' && info.text?.length === 16 * MEBIBYTE);
  t.same(await client.readReply(), ok);
});

t.test('replies that come byte by byte are the same replies', async (t) => {
  const { faktory, connect } = await openHouse(t);
  const client = await connect({ wid: 'w' });
  faktory.inject(split);
  const { jid, line } = pushLine();
  t.same(await client.command(line), ok);
  t.match(await client.command('FETCH default'), { kind: 'bulk', text: `{"jid":"${jid}"` });
  t.same(await client.command(`ACK {"jid":"${jid}"}`), ok);
  t.match(await client.command('INFO'), { kind: 'bulk', text: '"faktory_version":"1.7.0"' });
});

t.test('a slow reader holds its replies back at Faktory, not in memory', async (t) => {
  const { faktory, bouncer, connect } = await openHouse(t);
  const reply = bulkOf(MEBIBYTE);
  const replies = 40;
  faktory.inject(instead(reply), { on: 'INFO' });
  const client = await connect();
  const other = await connect();
  client.pause();
  client.send('INFO\r\n'.repeat(replies));
  const toClient = 'bytes_total{direction="client_sent"}';
  let last = -1;
  // Held back: what has been written to the client grows no more while others are served.
  await until(
    async () => {
      for (let i = 0; i < 20; i += 1) await other.command(pushLine().line);
      const sent = await bouncer.metric(toClient);
      const stands = sent - last < 1000 && sent > MEBIBYTE;
      last = sent;
      return stands;
    },
    { what: 'the replies to be held back' },
  );
  t.ok(last < (replies * MEBIBYTE) / 2, `${last} bytes were taken from Faktory`);
  client.resume();
  for (let i = 0; i < replies; i += 1) {
    const read = await client.readReply();
    if (read.kind !== 'bulk' || read.text?.length !== MEBIBYTE) t.fail(`reply ${i}`);
  }
});

t.test('a client that sends without reading is not read for ever', async (t) => {
  const { faktory, bouncer, connect } = await openHouse(t, {
    'limits.buffered_bytes': '64KiB',
    max_command_bytes: '64KiB',
  });
  faktory.inject({ kind: 'stall' }, { on: 'SING' });
  const client = await connect();
  const line = `SING ${'x'.repeat(60_000)}\r\n`;
  for (let i = 0; i < 300; i += 1) client.send(line);
  const received = 'bytes_total{direction="client_received"}';
  let last = -1;
  const other = await connect();
  await until(
    async () => {
      for (let i = 0; i < 20; i += 1) await other.command(pushLine().line);
      const now = await bouncer.metric(received);
      const stands = now - last < 20_000 && now > 60_000;
      last = now;
      return stands;
    },
    { what: 'reading to stop' },
  );
  t.ok(last < 5 * MEBIBYTE, `${last} bytes of 18 MB were read: 64 commands may be at Faktory`);
  t.ok(bouncer.snapshot().bufferedBytes < 5 * MEBIBYTE, 'and what was read is accounted for');
});

t.test('a client that reads nothing for write_stall_timeout is closed', async (t) => {
  const { faktory, bouncer, connect } = await openHouse(t, { write_stall_timeout: '500ms' });
  faktory.inject(instead(bulkOf(16 * MEBIBYTE)), { on: 'INFO' });
  const client = await connect();
  client.pause();
  client.send('INFO\r\n');
  await bouncer.metricIs('client_connections_ended_total{reason="write_stalled"}', 1);
  await bouncer.gaugesAreZero();
});

for (const mode of ['session', 'pooled'] as const) {
  t.test(`a client that reads a little now and then is closed too (${mode})`, async (t) => {
    const { faktory, bouncer } = await openHouse(t, { mode, write_stall_timeout: '500ms' });
    faktory.inject(instead(bulkOf(16 * MEBIBYTE)), { on: 'INFO' });
    const client = connectSlowly(t, bouncer.port, 1024);
    client.write('HELLO {"v":2}\r\nINFO\r\n');
    const reading = setInterval(() => client.resume(), 20);
    t.teardown(() => clearInterval(reading));
    await bouncer.metricIs('client_connections_ended_total{reason="write_stalled"}', 1);
    t.ok(client.bytesRead > 1024, 'it has read all the time');
    await bouncer.gaugesAreZero();
  });
}

t.test('Faktory that reads nothing for write_stall_timeout loses the connection', async (t) => {
  const deaf = createServer((socket) => {
    socket.write('+HI {"v":2}\r\n');
    socket.once('data', () => socket.pause().write('+OK\r\n'));
    socket.on('error', () => {});
    t.teardown(() => socket.destroy());
  });
  await new Promise<void>((resolve) => deaf.listen(0, '127.0.0.1', resolve));
  t.teardown(() => deaf.close());
  const { port } = deaf.address() as AddressInfo;
  const overrides = { write_stall_timeout: '500ms', 'server.info_interval': '0s' };
  const bouncer = await startBouncer(t, { port, overrides });
  const client = await bouncer.connect();
  client.send(`PUSH {"args":["${'x'.repeat(8 * MEBIBYTE)}"]}\r\n`);
  t.match(await client.readUntilClose(), '');
  t.equal(await bouncer.metric('client_connections_ended_total{reason="server_lost"}'), 1);
});

t.test('a client that ignores the end and goes on sending is cut off at once', async (t) => {
  const { faktory, bouncer } = await openHouse(t);
  const socket = connect({ host: '127.0.0.1', port: bouncer.port, allowHalfOpen: true });
  t.teardown(() => socket.destroy());
  const errors: string[] = [];
  socket.on('error', (error: NodeJS.ErrnoException) => errors.push(error.code ?? ''));
  const closed = new Promise((resolve) => socket.once('close', resolve));
  const ended = new Promise((resolve) => socket.once('end', resolve));
  socket.once('data', () => socket.write('HELLO {"v":2}\r\n'));
  socket.resume();
  await faktory.waitFor((f) => f.connections === 2, 'its server connection');
  await until(() => bouncer.snapshot().clients.producer.open === 1, { what: 'it to be in' });
  faktory.drop();
  await ended;
  const sentBefore = await bouncer.metric('bytes_total{direction="client_received"}');
  const goOn = (): void => {
    if (!socket.destroyed) socket.write(`${pushLine().line}\r\n`, () => setImmediate(goOn));
  };
  goOn();
  await closed;
  t.ok(
    errors.every((code) => code === 'ECONNRESET' || code === 'EPIPE'),
    String(errors),
  );
  const dropped = (await bouncer.metric('bytes_total{direction="client_received"}')) - sentBefore;
  t.ok(dropped < 16 * 1024, `${dropped} bytes were read after the end`);
  await bouncer.gaugesAreZero();
});

/** A client that takes so many bytes each time that it is told to read. */
function connectSlowly(t: Test, port: number, bytes: number): Socket {
  const socket: Socket = connect({
    host: '127.0.0.1',
    port,
    onread: {
      buffer: Buffer.alloc(bytes),
      callback: () => {
        socket.pause();
        return false;
      },
    },
  });
  socket.on('error', () => {});
  t.teardown(() => socket.destroy());
  return socket;
}
