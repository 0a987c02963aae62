// The Redis probe against a real Redis on a unix socket.

import { once } from 'node:events';
import { createServer } from 'node:net';
import t from 'tap';
import { RedisProbe } from '../../src/redis/redis-probe.ts';
import { freePort } from '../support/free-port.ts';
import { redisIsMissing as skip, RedisServer, temporarySocket } from '../support/redis.ts';
import { until } from '../support/waiting.ts';

/** What a helper needs of a test. */
type Test = Pick<typeof t, 'teardown'>;

/** A probe, what it has logged, and how many of its polls are over. */
function startProbe(t: Test, url: string) {
  const lines: { level: 'info' | 'warn'; fields: object; text: string }[] = [];
  const done = { polls: 0 };
  const probe = new RedisProbe({
    url,
    intervalMs: () => 50,
    log: {
      info: (fields, text) => void lines.push({ level: 'info', fields, text }),
      warn: (fields, text) => void lines.push({ level: 'warn', fields, text }),
    },
    onPoll: () => void (done.polls += 1),
  });
  t.teardown(() => probe.stop());
  probe.start();
  return { probe, lines, done };
}

t.test('a real Redis is read, lost, and read again, with one line each', { skip }, async (t) => {
  const socket = temporarySocket(t);
  const first = await RedisServer.start(t, socket, '--maxclients', '77', '--maxmemory', '64mb');
  const { probe, lines } = startProbe(t, socket);
  // A probe that has given up on an answer is counted beside the next one for a moment.
  const info = await until(() => probe.info?.connectedClients === 1 && probe.info, {
    what: 'INFO that tells of the probe alone',
  });
  t.match(info, {
    blockedClients: 0,
    maxClients: 77,
    maxMemoryBytes: 67108864,
    rejectedConnections: 0,
  });
  t.ok(info.usedMemoryBytes > 0);
  await first.stop();
  await until(() => probe.info === null, { what: 'Redis to be lost' });
  await RedisServer.start(t, socket);
  await until(() => probe.info?.connectedClients === 1, { what: 'INFO again' });
  // The probe waits 2 s for an answer, and a busy machine may take longer: that is one line each, too.
  t.match(lines.map(({ level }) => level).join(' '), /^(?:warn )?(?:info warn )+info$/);
});

t.test(
  'a Redis that wants a password and got none is reported, by unix: url too',
  { skip },
  async (t) => {
    const socket = temporarySocket(t);
    await RedisServer.start(t, socket, '--requirepass', 'hunter2');
    const { probe, lines } = startProbe(t, `unix://${socket}`);
    await until(() => lines.length > 0, { what: 'its line' });
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
  await until(() => wrong.done.polls > 3, { what: 'four polls' });
  t.equal(wrong.probe.info, null);
  t.equal(wrong.lines.length, 1);
  t.match(wrong.lines[0], { level: 'warn', fields: { reason: /WRONGPASS|NOAUTH/ } });
  t.notMatch(JSON.stringify(wrong.lines), /hunter2/);
  const right = startProbe(t, `redis://:right@127.0.0.1:${port}`);
  await until(() => right.probe.info !== null, { what: 'INFO' });
  t.notMatch(JSON.stringify(right.lines), /:right/);
});

t.test('a Redis that is not there is reported once, and stop ends the probe', async (t) => {
  const { probe, lines, done } = startProbe(t, temporarySocket(t));
  await until(() => done.polls > 4, { what: 'five polls' });
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
  const { probe, lines, done } = startProbe(t, socket);
  await until(() => done.polls > 4, { what: 'five polls' });
  t.equal(probe.info, null);
  // One may be under way.
  t.ok(dials <= done.polls + 1, `${dials} dials in ${done.polls} polls`);
  t.equal(lines.length, 1);
});
