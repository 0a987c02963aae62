// The Redis probe against a real Redis on a unix socket.

import { once } from 'node:events';
import { createServer } from 'node:net';
import t from 'tap';
import { RedisProbe } from '../../src/redis/redis-probe.ts';
import { freePort } from '../support/free-port.ts';
import { redisIsMissing as skip, RedisServer, temporarySocket } from '../support/redis.ts';

/** What a helper needs of a test. */
type Test = Pick<typeof t, 'teardown'>;

/** A probe whose polls can be awaited one by one. */
function startProbe(t: Test, url: string) {
  const lines: { level: 'info' | 'warn'; fields: object; text: string }[] = [];
  let polled = Promise.withResolvers<void>();
  const probe = new RedisProbe({
    url,
    intervalMs: () => 50,
    log: {
      info: (fields, text) => void lines.push({ level: 'info', fields, text }),
      warn: (fields, text) => void lines.push({ level: 'warn', fields, text }),
    },
    onPoll: () => {
      polled.resolve();
      polled = Promise.withResolvers<void>();
    },
  });
  // The probe's own timer does not keep the process alive, and here nothing else may.
  const alive = setInterval(() => {}, 1000);
  t.teardown(() => {
    clearInterval(alive);
    probe.stop();
  });
  probe.start();
  return {
    probe,
    lines,
    until: async (holds: () => boolean): Promise<void> => {
      while (!holds()) await polled.promise;
    },
  };
}

t.test('a real Redis is read, lost, and read again, with one line each', { skip }, async (t) => {
  const socket = temporarySocket(t);
  const first = await RedisServer.start(t, socket, '--maxclients', '77', '--maxmemory', '64mb');
  const { probe, lines, until } = startProbe(t, socket);
  await until(() => probe.info !== null);
  t.match(probe.info, {
    connectedClients: 1,
    blockedClients: 0,
    maxClients: 77,
    maxMemoryBytes: 67108864,
    rejectedConnections: 0,
  });
  t.ok((probe.info?.usedMemoryBytes ?? 0) > 0);
  await first.stop();
  await until(() => probe.info === null);
  await RedisServer.start(t, socket);
  await until(() => probe.info !== null);
  t.equal(probe.info?.connectedClients, 1);
  t.strictSame(
    lines.map(({ level }) => level),
    ['info', 'warn', 'info'],
  );
});

t.test(
  'a Redis that wants a password and got none is reported, by unix: url too',
  { skip },
  async (t) => {
    const socket = temporarySocket(t);
    await RedisServer.start(t, socket, '--requirepass', 'hunter2');
    const { probe, lines, until } = startProbe(t, `unix://${socket}`);
    await until(() => lines.length > 0);
    t.equal(probe.info, null);
    t.match(lines[0], { level: 'warn', fields: { redis: socket, reason: /NOAUTH/ } });
  },
);

t.test('a wrong password is reported without it, once', { skip }, async (t) => {
  const directory = temporarySocket(t);
  const port = await freePort();
  const options = ['--port', String(port), '--bind', '127.0.0.1', '--requirepass', 'right'];
  await RedisServer.start(t, directory, ...options);
  const wrong = startProbe(t, `redis://:hunter2@127.0.0.1:${port}`);
  let polls = 0;
  await wrong.until(() => (polls += 1) > 3);
  t.equal(wrong.probe.info, null);
  t.equal(wrong.lines.length, 1);
  t.match(wrong.lines[0], { level: 'warn', fields: { reason: /WRONGPASS|NOAUTH/ } });
  t.notMatch(JSON.stringify(wrong.lines), /hunter2/);
  const right = startProbe(t, `redis://:right@127.0.0.1:${port}`);
  await right.until(() => right.probe.info !== null);
  t.notMatch(JSON.stringify(right.lines), /:right/);
});

t.test('a Redis that is not there is reported once, and stop ends the probe', async (t) => {
  const { probe, lines, until } = startProbe(t, temporarySocket(t));
  let polls = 0;
  await until(() => (polls += 1) > 4);
  t.equal(probe.info, null);
  t.match(lines, [{ level: 'warn', text: /^Cannot read INFO from Redis/ }]);
  probe.stop();
  probe.stop();
});

t.test('what is no Redis is dialled again no more than once per interval', async (t) => {
  let dials = 0;
  const server = createServer((socket) => {
    dials += 1;
    socket.on('error', () => {});
    socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
  });
  const socket = temporarySocket(t);
  server.listen(socket);
  await once(server, 'listening');
  t.teardown(() => server.close());
  const { probe, lines, until } = startProbe(t, socket);
  let polls = 0;
  await until(() => (polls += 1) > 4);
  t.equal(probe.info, null);
  t.ok(dials <= polls, `${dials} dials in ${polls} polls`);
  t.equal(lines.length, 1);
});
