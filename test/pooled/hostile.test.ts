// What makes sharing safe: whatever one client does, others read the replies to their own commands.

import t, { type Test } from 'tap';
import { pushLine } from '../session/house.ts';
import type { RawClient } from '../support/raw-client.ts';
import { nil, ok, replyText } from '../support/reply.ts';
import { dieMidReply, garbage, instead, stall } from '../support/toxics.ts';
import { until } from '../support/waiting.ts';
import { connectionsWith, openPooled, openPooledHeld } from './support/house.ts';

const SUSPECT = '-ERR wid or jid with a control character; send an id without one';

/** Sends commands whose replies differ in kind, and checks each. */
async function isServed(t: Test, client: RawClient): Promise<void> {
  t.same(await client.command(pushLine().line), ok);
  t.equal((await client.command('INFO')).kind, 'bulk');
  t.same(await client.command('NONSENSE x'), {
    kind: 'error',
    text: 'ERR unknown command NONSENSE',
  });
}

t.test('half a line never reaches a shared connection', async (t) => {
  const { faktory, connect } = await openPooled(t, { 'pool.command_connections': 1 });
  const half = await connect();
  const other = await connect();
  const { line } = pushLine();
  half.send(line.slice(0, 20));
  await isServed(t, other);
  t.equal(faktory.lines('PUSH').length, 1);
  half.reset();
  await isServed(t, other);
  t.notOk(faktory.lines('PUSH').includes(line));
});

t.test('a FETCH reply is whole before its first byte goes to a client', async (t) => {
  const { faktory, connect } = await openPooled(t);
  const client = await connect({ wid: 'w1' });
  const [cut, whole] = [pushLine(), pushLine()];
  faktory.inject(dieMidReply(40), { on: 'FETCH', times: 1 });
  await client.command(cut.line);
  client.send('FETCH default\r\n');
  await until(() => faktory.accepted === 5, { what: 'the worker to be dialled again' });
  t.equal(client.heard.includes('jid'), false);
  const second = await connect();
  await second.command(whole.line);
  t.match(replyText(await client.readReply()), whole.jid);
  t.equal(faktory.jobs.holder(cut.jid), 'w1', 'the other belongs to its reservation');
});

t.test('who pipelines harms only itself, and gets its replies in order', async (t) => {
  const { faktory, connect } = await openPooled(t);
  const eager = await connect({ wid: 'w1' });
  const other = await connect();
  const { jid, line } = pushLine();
  const lines = [
    'MUTATE {"cmd":"clear"}',
    line,
    'NONSENSE a',
    'FETCH default',
    'BEAT {"wid":"w1"}',
    'NONSENSE b',
  ];
  const lift = faktory.inject(stall, { on: 'MUTATE', times: 1 });
  eager.send(`${lines.join('\r\n')}\n`);
  await faktory.waitFor((f) => f.lines('MUTATE').length === 1);
  for (let i = 0; i < 20; i += 1) t.same(await other.command(pushLine({ queue: 'q' }).line), ok);
  t.notOk(faktory.lines('PUSH').includes(line), 'one command of a client is outstanding');
  lift();
  const replies: (string | null)[] = [];
  for (const _ of lines) replies.push(replyText(await eager.readReply()));
  t.match(replies.splice(3, 1)[0], jid, 'the job of FETCH');
  t.same(replies, [
    '+OK',
    '+OK',
    '-ERR unknown command NONSENSE',
    '+OK',
    '-ERR unknown command NONSENSE',
  ]);
});

t.test('who reads slowly harms only itself', async (t) => {
  const { faktory, connect } = await openPooled(t);
  const slow = await connect();
  const other = await connect();
  const asks = 100;
  const body = 'x'.repeat(300_000);
  const lift = faktory.inject(instead(`$${body.length}\r\n${body}\r\n`), { on: 'INFO' });
  slow.pause();
  slow.send('INFO\r\n'.repeat(asks));
  await until(() => faktory.lines('INFO').length > 2, { what: 'a few replies' });
  for (let i = 0; i < 50; i += 1) t.same(await other.command(pushLine().line), ok);
  t.ok(faktory.lines('INFO').length < asks, 'no more is asked than the client reads');
  slow.resume();
  for (let i = 0; i < asks; i += 1) {
    const reply = await slow.readReply();
    if (replyText(reply) !== body) t.fail(`reply ${i} differs`);
  }
  lift();
  await isServed(t, other);
});

t.test('END ends its own client only and is never forwarded', async (t) => {
  const { faktory, connect } = await openPooled(t, { 'pool.command_connections': 1 });
  const [ends, other] = [await connect(), await connect()];
  ends.send('END\r\n');
  await ends.closed;
  await isServed(t, other);
  t.same(faktory.lines('END'), []);
});

t.test('an id that would make two replies of one never reaches Faktory', async (t) => {
  const { faktory, connect, bouncer } = await openPooled(t, { 'pool.command_connections': 1 });
  const [hostile, other] = [await connect(), await connect()];
  const lines = [
    'BEAT {"wid":"x\\r\\n+OK"}',
    'BEAT {"WID":"x\\u000a+OK"}',
    'BEAT {"w\\u0069d":"x\\n"}',
    'BEAT {"wid":"good","wid":"x\\r\\n+OK"}',
    'BEAT {"wid":"x\\r\\n+OK","wid":null}',
    'FAIL {"jid":"x\\r\\n+OK"}',
    'FAIL {"Jid":"x\\r\\n$-1"}',
    'FAIL {"jid":"good","JID":"x\\u000d\\u000a"}',
  ];
  for (const line of lines) {
    hostile.send(`${line}\r\n`);
    const served = isServed(t, other);
    t.equal(replyText(await hostile.readReply()), SUSPECT, line);
    await served;
  }
  t.same([faktory.lines('BEAT'), faktory.lines('FAIL')], [[], []]);
  t.equal(await bouncer.metric('guard_hits_total{rule="control_character"}'), lines.length);
});

t.test('a reply that nobody asked for closes that server connection and is counted', async (t) => {
  const { faktory, connect, bouncer } = await openPooled(t, { 'pool.command_connections': 1 });
  const client = await connect();
  await isServed(t, client);
  const [used] = connectionsWith({ faktory, connect, bouncer }, 'PUSH');
  faktory.say('+OK\r\n', used);
  await bouncer.metricIs('unexpected_replies_total', 1);
  await isServed(t, client);
  t.equal(await bouncer.metric('server_connections_ended_total{reason="protocol_error"}'), 1);
});

t.test('garbage closes that server connection: what may be executed twice is', async (t) => {
  const { faktory, connect, bouncer } = await openPooled(t, { 'pool.command_connections': 1 });
  const [pushes, acks] = [await connect(), await connect()];
  faktory.inject(garbage(), { on: 'PUSH', times: 1 });
  pushes.send(`${pushLine().line}\r\n`);
  t.same(await acks.command('ACK {"jid":"12345678"}'), ok);
  t.equal(await pushes.readUntilClose(), '', 'not a byte of it reaches a client');
  t.equal(await bouncer.metric('unexpected_replies_total'), 1);
});

t.test('error texts of our own never hold what a client sent', async (t) => {
  const { connect } = await openPooled(t, { max_command_bytes: '1KiB' });
  const marker = 'MARKER';
  for (const line of [
    `BEAT {"wid":"${marker}\\n"}`,
    `FAIL {"jid":"${marker}\\n"}`,
    `QUEUE ${marker}`,
    `PUSH ${marker.repeat(400)}`,
  ]) {
    const client = await connect();
    client.send(`${line}\r\n`);
    const reply = await client.readReply();
    t.equal(reply.kind, 'error');
    t.notMatch(client.heard, marker, line.slice(0, 30));
  }
});

t.test('the first client of a worker hears +OK when Faktory knows the worker', async (t) => {
  const { faktory, connect } = await openPooled(t);
  const lift = faktory.inject(stall, { on: 'HELLO' });
  let isIn = false;
  const coming = connect({ wid: 'w1' }).then((client) => {
    isIn = true;
    return client;
  });
  await faktory.waitFor((f) => f.lines('HELLO').some((line) => line.includes('"w1"')));
  await isServed(t, await connect());
  t.equal(isIn, false);
  lift();
  t.same((await coming).helloReply, ok);
  t.same(await (await coming).command('BEAT {"wid":"w1"}'), ok);
});

t.test(
  'after a loss BEAT waits until Faktory knows the worker again, but not for ever',
  async (t) => {
    const { clock, faktory, connect } = await openPooledHeld(t, { 'pool.outage_wait': '400ms' });
    const client = await connect({ wid: 'w1' });
    t.same(await client.command('BEAT {"wid":"w1"}'), ok);
    const lose = async (): Promise<() => void> => {
      const lift = faktory.inject(stall, { on: 'HELLO' });
      faktory.say('!', faktory.connectionsOf('w1')[0]);
      await faktory.waitFor((f) => !f.isKnown('w1'));
      // As after a dial that failed.
      clock.advance(50);
      return lift;
    };
    const lift = await lose();
    const beat = client.command('BEAT {"wid":"w1"}');
    await isServed(t, await connect());
    t.equal(faktory.lines('BEAT').length, 1, 'it is held back');
    lift();
    t.same(await beat, ok);
    const liftAgain = await lose();
    const refused = client.command('BEAT {"wid":"w1"}');
    t.teardown(clock.run());
    t.match(replyText(await refused), '-ERR Faktory is unreachable');
    liftAgain();
  },
);

t.test('FETCH hears nil within 3 s, whoever shares it', async (t) => {
  const { clock, bouncer, connect } = await openPooledHeld(t);
  const clients = [await connect({ wid: 'w1' }), await connect({ wid: 'w1' })];
  const replies = clients.map((client) => client.command('FETCH q'));
  await bouncer.metricIs('fetches_waiting', 2);
  clock.advance(3000);
  for (const reply of replies) t.same(await reply, nil);
});
