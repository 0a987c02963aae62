// Whether Redis takes writes: each way in which a real Redis refuses them, and one that says nothing.

import { once } from 'node:events';
import { mkdirSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
import t, { type Test } from 'tap';
import { PROBE_KEY, WriteProbe, type WriteState } from '../../src/redis/write-probe.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { freePort } from '../support/free-port.ts';
import { redisIsMissing as skip, RedisServer, temporarySocket } from '../support/redis.ts';
import { replyText } from '../support/reply.ts';
import { HANGS_MS, until, within } from '../support/waiting.ts';

const LATE_MS = 1000;
const INTERVAL_MS = 250;

/** A probe whose time the test moves, and what its listener hears. */
function probeOf(t: Pick<Test, 'teardown'>, url: string) {
  const clock = new FakeClock();
  const states: WriteState[] = [];
  let heard = Promise.withResolvers<WriteState>();
  const probe = new WriteProbe({
    url,
    clock,
    onBug: (error) => {
      throw error;
    },
    listener: {
      onWrites: (state) => {
        states.push(state);
        heard.resolve(state);
        heard = Promise.withResolvers();
      },
    },
  });
  t.teardown(() => probe.stop());
  const next = (): Promise<WriteState> => within(heard.promise, HANGS_MS, () => 'a state');
  return {
    probe,
    clock,
    states,
    next,
    /** The answer to the first question. */
    first: (): Promise<WriteState> => {
      probe.start();
      return next();
    },
    /** The answer to the next question, which is due after an interval. */
    ask: (): Promise<WriteState> => {
      const answer = next();
      clock.advance(INTERVAL_MS);
      return answer;
    },
  };
}

/** What LPUSH of a job reads, as Faktory would send it. */
async function push(redis: RedisServer): Promise<string> {
  return replyText(await redis.ask('LPUSH', 'default', '{}')) ?? '';
}

t.test('a Redis that takes writes is left as it was', { skip }, async (t) => {
  const redis = await RedisServer.start(t, temporarySocket(t));
  await redis.ask('SET', 'other', '1');
  const before = replyText(await redis.ask('INFO', 'persistence'));
  const { probe, first, ask } = probeOf(t, redis.path);
  t.same(await first(), { kind: 'accepted' });
  probe.start();
  for (let n = 0; n < 20; n += 1) t.same(await ask(), { kind: 'accepted' });
  t.equal(replyText(await redis.ask('DBSIZE')), ':1');
  t.equal(replyText(await redis.ask('EXISTS', PROBE_KEY)), ':0');
  const changes = /rdb_changes_since_last_save:\d+/;
  const after = replyText(await redis.ask('INFO', 'persistence'));
  t.equal(changes.exec(after ?? '')?.[0], changes.exec(before ?? '')?.[0]);
});

t.test('no memory, no replica, being one: refused in the words of LPUSH', { skip }, async (t) => {
  const redis = await RedisServer.start(t, temporarySocket(t), '--maxmemory-policy', 'noeviction');
  const { first, ask } = probeOf(t, redis.path);
  t.same(await first(), { kind: 'accepted' });
  const cases = [
    { on: ['CONFIG', 'SET', 'maxmemory', '1'], off: ['CONFIG', 'SET', 'maxmemory', '0'] },
    {
      on: ['CONFIG', 'SET', 'min-replicas-to-write', '1'],
      off: ['CONFIG', 'SET', 'min-replicas-to-write', '0'],
    },
    { on: ['REPLICAOF', '127.0.0.1', '1'], off: ['REPLICAOF', 'NO', 'ONE'] },
  ];
  const codes = ['OOM', 'NOREPLICAS', 'READONLY'];
  for (const [i, { on, off }] of cases.entries()) {
    t.equal(replyText(await redis.ask(...on)), '+OK');
    const state = await ask();
    const refusal = await push(redis);
    t.match(refusal, `-${codes[i]} `);
    t.same(state, { kind: 'refused', reason: refusal.slice(1) });
    t.equal(replyText(await redis.ask(...off)), '+OK');
    t.same(await ask(), { kind: 'accepted' }, `after ${codes[i]}`);
    t.match(await push(redis), /^:/);
  }
});

t.test('a disk that takes no snapshot: refused in the words of LPUSH', { skip }, async (t) => {
  const path = temporarySocket(t);
  const data = join(dirname(path), 'data');
  mkdirSync(data);
  const redis = await RedisServer.start(t, path, '--dir', data, '--save', '3600 1');
  const { first, ask } = probeOf(t, redis.path);
  t.same(await first(), { kind: 'accepted' });
  rmSync(data, { recursive: true });
  const saved = async (): Promise<string | undefined> => {
    const info = replyText(await redis.ask('INFO', 'persistence')) ?? '';
    if (info.includes('rdb_bgsave_in_progress:1')) return undefined;
    return /rdb_last_bgsave_status:(\w+)/.exec(info)?.[1];
  };
  t.match(replyText(await redis.ask('BGSAVE')), /^\+Background/);
  t.equal(await until(saved, { what: 'the snapshot to fail' }), 'err');
  const state = await ask();
  const refusal = await push(redis);
  t.match(refusal, /^-MISCONF .{200}/);
  t.same(state, { kind: 'refused', reason: refusal.slice(1, 201) });
  t.equal(replyText(await redis.ask('CONFIG', 'SET', 'stop-writes-on-bgsave-error', 'no')), '+OK');
  t.same(await ask(), { kind: 'accepted' });
});

t.test('a Redis that hangs is silent after 1 s, and heard when it goes on', { skip }, async (t) => {
  const redis = await RedisServer.start(t, temporarySocket(t));
  const { clock, states, first, ask } = probeOf(t, redis.path);
  await first();
  await redis.freeze();
  const answer = ask();
  for (let turn = 0; turn < 200; turn += 1) await new Promise(setImmediate);
  t.equal(states.length, 1, 'the question is there, and no answer');
  clock.advance(LATE_MS);
  t.same(await answer, { kind: 'silent', reason: `no answer within ${LATE_MS} ms` });
  redis.thaw();
  t.same(await ask(), { kind: 'accepted' });
});

t.test('no Redis there, and one that dies and comes back', { skip }, async (t) => {
  const path = temporarySocket(t);
  const { first, ask } = probeOf(t, path);
  t.match(await first(), { kind: 'silent', reason: /ENOENT/ });
  const redis = await RedisServer.start(t, path);
  t.same(await ask(), { kind: 'accepted' });
  await redis.stop();
  t.match(await ask(), { kind: 'silent' });
  await RedisServer.start(t, path);
  t.same(await ask(), { kind: 'accepted' });
});

t.test('a probe that may not ask does not know, and tells no secrets', { skip }, async (t) => {
  const port = await freePort();
  const options = ['--port', String(port), '--bind', '127.0.0.1', '--requirepass', 'right'];
  await RedisServer.start(t, temporarySocket(t), ...options);
  const wrong = probeOf(t, `redis://:hunter2@127.0.0.1:${port}`);
  for (const state of [await wrong.first(), await wrong.ask()]) {
    t.match(state, { kind: 'unknown', reason: /WRONGPASS|NOAUTH/ });
    t.notMatch(JSON.stringify([state, wrong.probe.shown]), /hunter2/);
  }
  const right = probeOf(t, `redis://:right@127.0.0.1:${port}`);
  t.same(await right.first(), { kind: 'accepted' });
});

/** A server on a unix socket that answers nothing by itself. */
async function muteServer(t: Pick<Test, 'teardown'>) {
  const path = temporarySocket(t);
  const sockets: Socket[] = [];
  let heard = '';
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    socket.on('data', (bytes) => (heard += bytes.toString()));
  });
  server.listen(path);
  await once(server, 'listening');
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const questions = (): number => heard.match(/lpushx/gi)?.length ?? 0;
  return {
    path,
    sockets,
    questions,
    asked: (n: number) => until(() => questions() === n, { what: `question ${n}` }),
  };
}

t.test('an answer counts up to 1 s, and one question is under way at a time', async (t) => {
  const server = await muteServer(t);
  const { probe, clock, states, next } = probeOf(t, server.path);
  probe.start();
  await server.asked(1);
  clock.advance(LATE_MS - 1);
  t.equal(server.questions(), 1);
  server.sockets[0]?.write(':0\r\n');
  t.same(await next(), { kind: 'accepted' });
  clock.advance(INTERVAL_MS - 1);
  t.equal(clock.timers, 1, 'the next question waits for its time');
  clock.advance(1);
  await server.asked(2);
  clock.advance(LATE_MS);
  t.equal(states[1]?.kind, 'silent');
  server.sockets[0]?.write(':0\r\n');
  clock.advance(INTERVAL_MS);
  await server.asked(3);
  t.equal(states.length, 2, "the late answer is nobody's");
  t.equal(server.sockets.length, 2, 'a connection that owes an answer is not used again');
  server.sockets[1]?.write(':0\r\n');
  t.same(await next(), { kind: 'accepted' });
});

t.test('the words of a refusal are one line, cut, without control characters', async (t) => {
  const server = await muteServer(t);
  const { states, first, ask } = probeOf(t, server.path);
  const answers = [
    `-OOM a\u0007b ${'x'.repeat(300)}\r\n`,
    '-WRONGTYPE Operation against a key\r\n',
    '-LOADING Redis is loading\r\n',
    '-NOPERM no rights\r\n',
    ':0\r\n',
  ];
  for (const [n, answer] of answers.entries()) {
    const state = n === 0 ? first() : ask();
    await server.asked(n + 1);
    server.sockets.at(-1)?.write(answer);
    await state;
  }
  t.same(states, [
    { kind: 'refused', reason: `OOM ab ${'x'.repeat(193)}` },
    { kind: 'accepted' },
    { kind: 'silent', reason: 'LOADING Redis is loading' },
    { kind: 'unknown', reason: 'NOPERM no rights' },
    { kind: 'accepted' },
  ]);
  t.equal(server.sockets.length, 3, 'what is neither yes nor no costs the connection');
});

t.test('after stop() nothing is heard, and start() begins again', async (t) => {
  const server = await muteServer(t);
  const { probe, clock, states, next } = probeOf(t, server.path);
  probe.start();
  await server.asked(1);
  probe.stop();
  probe.stop();
  t.equal(clock.timers, 0);
  probe.start();
  await server.asked(2);
  server.sockets[1]?.write(':0\r\n');
  await next();
  t.equal(states.length, 1);
});

t.test('a listener that throws is reported, and asking goes on', async (t) => {
  const clock = new FakeClock();
  const server = await muteServer(t);
  const bugs: unknown[] = [];
  const probe = new WriteProbe({
    url: server.path,
    clock,
    onBug: (error) => void bugs.push(error),
    listener: {
      onWrites: () => {
        throw new Error('no ear');
      },
    },
  });
  t.teardown(() => probe.stop());
  probe.start();
  await server.asked(1);
  server.sockets[0]?.write(':0\r\n');
  await until(() => bugs.length === 1, { what: 'the bug' });
  clock.advance(INTERVAL_MS);
  await server.asked(2);
});
