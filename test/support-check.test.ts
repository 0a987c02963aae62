// The tests' own tools: the stand-in answers as the real Faktory does, and its toxics strike.
// Without the real one, only the stand-in's half runs.

import t, { type Test } from 'tap';
import { RawClient, type RawClientOptions } from './support/raw-client.ts';
import { RealFaktory, requireFaktory } from './support/real-faktory.ts';
import { nil, ok, type Reply } from './support/reply.ts';
import { SteadyClock } from './support/steady-clock.ts';
import { StandInFaktory } from './support/stand-in-faktory.ts';
import * as toxics from './support/toxics.ts';
import { until } from './support/waiting.ts';

type Connect = (options?: Omit<RawClientOptions, 'port' | 'host'>) => Promise<RawClient>;

const password = 'sesame';
const job = { jid: 'a-job-of-ours', jobtype: 'ours', args: [1, 'two'] };

const error = (text: string): Reply => ({ kind: 'error', text: `ERR ${text}` });

function connector(t: Test, port: number): Connect {
  return async (options = {}) => {
    const client = await RawClient.connect({ port, ...options });
    t.teardown(() => client.reset());
    return client;
  };
}

function bulkJson(reply: Reply): Record<string, unknown> {
  const text = reply.kind === 'bulk' && reply.text !== null ? reply.text : '{}';
  return JSON.parse(text) as Record<string, unknown>;
}

/** What both say without a password. */
async function checkCommands(t: Test, connect: Connect): Promise<void> {
  const worker = await connect({ wid: 'w1' });
  t.same(worker.hi, { kind: 'status', text: 'HI {"v":2}' });
  t.same(worker.helloReply, ok);

  t.same(await worker.command(`PUSH ${JSON.stringify(job)}`), ok);
  const fetched = bulkJson(await worker.command('FETCH other default'));
  t.match(fetched, { ...job, queue: 'default', retry: 25 });
  t.same(Object.keys(fetched).slice(0, 4), ['jid', 'queue', 'jobtype', 'args']);
  t.same(await worker.command(`ACK {"jid":"${job.jid}"}`), ok);
  t.same(await worker.command(`ACK {"jid":"${job.jid}"}`), ok, 'ACK of what is gone');
  t.same(
    await worker.command(`FAIL {"jid":"${job.jid}"}`),
    error(`Job not found ${job.jid}`),
    'FAIL of what is gone',
  );
  t.same(await worker.command('FETCH default'), nil, 'FETCH of an empty queue');
  t.same(await worker.command('FETCH'), error('must call fetch with at least one queue'));

  t.same(await worker.command('BEAT {"wid":"w1"}'), ok);
  t.same(await worker.command('BEAT {"wid":"w2"}'), error('unknown worker w2'));
  t.same(
    await worker.command('BEAT {"wid":"w1","current_state":"quiet"}'),
    { kind: 'bulk', text: '{"state":"quiet"}' },
    'a quiet worker',
  );
  t.same(await worker.command('SING {}'), error('unknown command SING'));
  t.same(await worker.command('PUSH {"jid":"short"}'), shortJid);
  t.same(await worker.command('PUSHB [{"jid":"short"}]'), {
    kind: 'bulk',
    text: '{"short":"jobs must have a reasonable jid parameter"}',
  });
  t.same(
    await worker.command('TRACK GET x'),
    error('tracking subsystem is only available in Faktory Enterprise'),
  );
  t.match(bulkJson(await worker.command('INFO')), {
    faktory: { queues: { default: 0 }, total_enqueued: 0, total_processed: 1 },
    server: { connections: 1, faktory_version: String },
  });

  worker.send('BEAT {"wid":"w2"}\nQUEUE PAUSE default\r\nSING\nEND\n');
  t.same(await worker.readReply(), error('unknown worker w2'), 'pipelined, in order');
  t.same(await worker.readReply(), ok);
  t.same(await worker.readReply(), error('unknown command SING'));
  t.equal(await worker.readUntilClose(), '', 'END has no reply');
}

const shortJid = error('jobs must have a reasonable jid parameter');

const HANG_UPS_MAX = 3;

/**
 * What both do about a client that hangs up while it is in FETCH. The real one blocks for 4 s: where a busy machine
 * lets the test stand for so long, another client does it again.
 */
async function checkHangUp(t: Test, connect: Connect): Promise<void> {
  const producer = await connect();
  for (let n = 1; ; n += 1) {
    const name = `hang-up-${n}`;
    const gone = await connect({ wid: name });
    gone.send(`FETCH ${name}\r\nFETCH ${name}\r\n`);
    gone.end();
    const beat = `BEAT {"wid":"${name}"}`;
    const known = await producer.command(beat);
    t.same(await producer.command(`PUSH ${JSON.stringify({ ...job, queue: name })}`), ok);
    await gone.closed;
    const isInTime = known.kind === 'status' && gone.heard.includes(job.jid);
    if (!isInTime && n < HANG_UPS_MAX) continue;
    t.same(known, ok, 'the worker is known while FETCH blocks');
    t.match(gone.heard, job.jid, 'half closed, it still reads');
    const unknown = async (): Promise<boolean> => (await producer.command(beat)).kind === 'error';
    t.ok(await until(unknown, { what: 'the worker to be forgotten' }));
    return;
  }
}

/** What both say to right and wrong passwords, and to what is no HELLO. */
async function checkPassword(t: Test, connect: Connect): Promise<void> {
  const right = await connect({ password, wid: 'w1' });
  t.match(right.hi, { text: /^HI \{"v":2,"i":\d{4},"s":"[0-9a-f]+"\}$/ });
  t.same(right.helloReply, ok);
  const wrong = await connect({ password: 'wrong' });
  t.same(wrong.helloReply, error('Invalid password'));
  t.equal(await wrong.readUntilClose(), '');
  const none = await connect();
  t.same(none.helloReply, error('Invalid password'));
  const old = await connect({ password, hello: { v: 1 } });
  t.same(old.helloReply, ok, 'version 1 hashes once');
  for (const line of ['PUSH {}', 'HELLO {"v":256}', 'HELLO {"pid":"x"}', 'HELLO {']) {
    await t.rejects(connect({ hello: line }), /connection closed/, line);
  }
}

const checks: readonly {
  readonly name: string;
  readonly password?: string;
  readonly fetchBlockMs?: number;
  readonly check: (t: Test, connect: Connect) => Promise<void>;
}[] = [
  { name: 'answers commands', check: checkCommands, fetchBlockMs: 50 },
  { name: 'does not notice a hang-up during FETCH', check: checkHangUp },
  { name: 'checks passwords and HELLO', check: checkPassword, password },
];

for (const { name, check, ...options } of checks) {
  void t.test(`the stand-in ${name}`, async (t) => {
    const faktory = await StandInFaktory.start(options);
    t.teardown(() => faktory.stop());
    await check(t, connector(t, faktory.port));
  });

  void t.test(`the real Faktory ${name}`, async (t) => {
    if (requireFaktory(t) === undefined) return;
    const faktory = await RealFaktory.start(options);
    t.teardown(() => faktory.stop());
    t.comment(`Faktory ${faktory.version}`);
    await check(t, connector(t, faktory.port));
  });
}

void t.test('the real Faktory keeps its jobs over kill, terminate and panic', async (t) => {
  if (requireFaktory(t) === undefined) return;
  const faktory = await RealFaktory.start({ password });
  t.teardown(() => faktory.stop());
  const connect = connector(t, faktory.port);
  const producer = await connect({ password });
  t.same(await producer.command(`PUSH ${JSON.stringify(job)}`), ok);
  await faktory.kill();
  await producer.closed;
  await t.rejects(connect({ password }), { code: 'ECONNREFUSED' });
  await faktory.startAgain();
  await faktory.terminate();
  await faktory.startAgain();
  (await connect({ password })).send('PUSH\n');
  await faktory.gone();
  await faktory.startAgain();
  const worker = await connect({ password, wid: 'w1' });
  t.match(bulkJson(await worker.command('FETCH default')), job);
});

void t.test('each toxic strikes where and as often as it is told', async (t) => {
  const faktory = await StandInFaktory.start({ fetchBlockMs: 50 });
  t.teardown(() => faktory.stop());
  const connect = connector(t, faktory.port);
  const beat = 'BEAT {"wid":"w1"}';
  const struck = async (toxic: toxics.Toxic): Promise<RawClient> => {
    const client = await connect({ wid: 'w1' });
    faktory.inject(toxic, { on: 'BEAT', times: 1 });
    return client;
  };

  const split = await struck(toxics.split);
  t.same(await split.command(beat), ok, 'split');
  const extra = await struck(toxics.extraReply('+MORE\r\n'));
  t.same(await extra.command(beat), ok, 'extra');
  t.same(await extra.readReply(), { kind: 'status', text: 'MORE' });
  const late = await struck(toxics.delay(1));
  t.same(await late.command(beat), ok, 'delay');
  const garbage = await struck(toxics.garbage());
  await t.rejects(garbage.command(beat), /Cannot read a reply: found/, 'garbage');
  const dying = await struck(toxics.dieMidReply(2));
  await t.rejects(dying.command(beat), /connection closed/, 'die mid-reply');
  t.equal(await dying.readUntilClose(), '+O');
  const mute = await struck(toxics.closeBefore);
  await t.rejects(mute.command(beat), /connection closed; /, 'close before');
  const reset = await struck(toxics.reset);
  await t.rejects(reset.command(beat), /ECONNRESET/, 'reset');
  const half = await struck(toxics.halfClose);
  await t.rejects(half.command(beat), /connection closed; /, 'half-close');

  const stopping = await struck(toxics.shutdown);
  stopping.send(`${beat}\n${beat}\n`);
  t.same(await stopping.readReply(), error('shutdown in progress'));
  t.equal(await stopping.readUntilClose(), '', 'shutdown answers one command');

  const stalled = await connect({ boundMs: 1000 });
  const lift = faktory.inject(toxics.stall, { on: 'INFO' });
  await t.rejects(stalled.command('INFO'), /Waited 1000 ms for the reply to INFO; heard/);
  t.same(faktory.lines('INFO'), ['INFO'], 'a line is recorded when it comes');
  lift();
  await until(() => stalled.heard.includes('faktory_version'), { what: 'the late reply' });
});

void t.test('the stand-in counts, drops, refuses and dies', async (t) => {
  const faktory = await StandInFaktory.start({ fetchBlockMs: 50 });
  t.teardown(() => faktory.stop());
  const connect = connector(t, faktory.port);
  const first = await connect({ wid: 'w1' });
  const second = await connect();
  t.equal(faktory.connections, 2);
  t.same(faktory.connectionsOf('w1'), [1]);
  faktory.refuse();
  await t.rejects(connect(), { code: 'ECONNREFUSED' });
  t.same(await first.command('BEAT {"wid":"w1"}'), ok, 'open connections stay');
  faktory.say('+HELLO?\r\n', 2);
  t.same(await second.readReply(), { kind: 'status', text: 'HELLO?' });
  faktory.drop();
  await Promise.all([first.closed, second.closed]);
  await faktory.waitFor(() => faktory.connections === 0);
  t.notOk(faktory.isKnown('w1'));

  await faktory.start();
  const reckless = await connect();
  reckless.send('PUSH\n');
  await reckless.closed;
  t.same(faktory.panics, ['PUSH']);
  await t.rejects(connect(), { code: 'ECONNREFUSED' }, 'a bare PUSH kills it');
  t.equal(faktory.maxConnections, 2);
  t.same(faktory.received.at(-1), { connection: 3, line: 'PUSH' });
});

void t.test('the steady clock does not count what the process was kept from', async (t) => {
  const clock = new SteadyClock();
  const [startedAt, idleMs] = [clock.now(), clock.idleMs()];
  // As a busy machine does it: the process stands, and its timers are late.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
  t.ok(clock.now() - startedAt <= 25, `${clock.now() - startedAt} ms`);
  t.ok(clock.idleMs() - idleMs <= 25);
  const realAt = performance.now();
  const early = clock.after(20, () => t.fail('it was called off'));
  early.cancel();
  await new Promise<void>((resolve) => void clock.afterAll(50, resolve));
  t.ok(clock.now() - startedAt >= 50, `${clock.now() - startedAt} ms`);
  t.ok(performance.now() - realAt >= clock.now() - startedAt - 25, 'never faster than the machine');
});
