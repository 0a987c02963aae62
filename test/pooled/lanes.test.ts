// How pooled mode's lanes carry commands: batches, outages, losses, and the sharing of FETCHes.

import t from 'tap';
import { pushLine, waitingAre } from '../session/house.ts';
import { nil, ok, replyText } from '../support/reply.ts';
import { closeBefore, reset, shutdown, stall } from '../support/toxics.ts';
import { until } from '../support/waiting.ts';
import { openPooled, openPooledHeld } from './support/house.ts';

/** How long a FETCH may wait for its answer. */
const FETCH_MS = 2000;

t.test('slow verbs do not hold up quick ones', async (t) => {
  const { faktory, connect } = await openPooled(t, { 'pool.command_connections': 4 });
  const lift = faktory.inject(stall, { on: 'MUTATE' });
  const slow = await Promise.all([connect(), connect(), connect(), connect()]);
  const answers = slow.map((client) => client.command('MUTATE {"cmd":"clear"}'));
  await faktory.waitFor((f) => f.lines('MUTATE').length === 2, 'two of four connections');
  const quick = await connect();
  for (let i = 0; i < 20; i += 1) t.same(await quick.command(pushLine().line), ok);
  t.equal(faktory.lines('MUTATE').length, 2, 'half the connections at most are slow');
  lift();
  for (const answer of answers) t.same(await answer, ok);
});

t.test('while Faktory is away commands wait, then hear so', async (t) => {
  const { clock, faktory, bouncer, connect } = await openPooledHeld(t, {
    'pool.outage_wait': '1s',
  });
  const client = await connect();
  await faktory.stop();
  await until(() => !bouncer.snapshot().faktory.up, { what: 'the outage to be seen' });
  const refused = client.command(pushLine().line);
  await until(() => bouncer.snapshot().commandLane.waiting === 1, { what: 'a command to wait' });
  clock.advance(1100);
  t.equal(replyText(await refused), '-ERR Faktory is unreachable; try again later');
  t.equal(await bouncer.metric('commands_expired_total{verb="PUSH"}'), 1);
  const waits = client.command(pushLine().line);
  await until(() => bouncer.snapshot().commandLane.waiting === 1, { what: 'a command to wait' });
  await faktory.start();
  t.teardown(clock.run());
  t.same(await waits, ok);
  t.equal(faktory.lines('PUSH').length, 1);
});

t.test('what met a shutdown goes over another connection, PUSH too', async (t) => {
  const { faktory, bouncer, connect } = await openPooled(t);
  const client = await connect();
  faktory.inject(shutdown, { on: 'PUSH', times: 1 });
  t.same(await client.command(pushLine().line), ok);
  t.equal(faktory.jobs.queued('default').length, 1);
  t.equal(await bouncer.metric('commands_sent_again_total{verb="PUSH"}'), 1);
});

t.test('ACK, BEAT, INFO and FETCH are sent again after a loss', async (t) => {
  const { faktory, bouncer, connect } = await openPooled(t);
  const client = await connect({ wid: 'w1' });
  const { jid, line } = pushLine();
  await client.command(line);
  faktory.inject(closeBefore, { on: 'FETCH', times: 1 });
  t.match(replyText(await client.command('FETCH default')), jid);
  for (const again of [`ACK {"jid":"${jid}"}`, 'BEAT {"wid":"w1"}']) {
    const verb = again.split(' ', 1)[0] ?? '';
    faktory.inject(closeBefore, { on: verb, times: 1 });
    t.same(await client.command(again), ok);
    t.equal(await bouncer.metric(`commands_sent_again_total{verb="${verb}"}`), 1);
  }
  faktory.inject(closeBefore, { on: 'INFO', times: 1 });
  t.equal((await client.command('INFO')).kind, 'bulk');
  t.same(faktory.jobs.acknowledged, [jid]);
});

t.test('a PUSH whose outcome is unknown closes its client and is counted', async (t) => {
  const { faktory, bouncer, connect } = await openPooled(t);
  const [client, other] = [await connect(), await connect()];
  faktory.inject(reset, { on: 'PUSH', times: 1 });
  client.send(`${pushLine().line}\r\n`);
  t.equal(await client.readUntilClose(), '');
  t.equal(await bouncer.metric('commands_outcome_unknown_total{verb="PUSH"}'), 1);
  t.same(await other.command(pushLine().line), ok);
});

t.test('what a client had sent when it left in an outage is executed, FIN or reset', async (t) => {
  const { faktory, bouncer, connect } = await openPooled(t);
  const clients = await Promise.all(Array.from({ length: 5 }, () => connect()));
  await faktory.stop();
  await until(() => !bouncer.snapshot().faktory.up, { what: 'the outage to be seen' });
  const [finished, reset] = [pushLine(), pushLine()];
  const lines = [finished.line, reset.line, 'ACK {"jid":"12345678"}', 'FAIL {"jid":"12345678"}'];
  lines.push('MUTATE {"cmd":"clear","target":"dead"}');
  for (const [i, client] of clients.entries()) client.send(`${lines[i]}\r\n`);
  await until(() => bouncer.snapshot().commandLane.waiting === 5, { what: 'five to wait' });
  for (const [i, client] of clients.entries()) {
    if (i === 0) client.end();
    else client.reset();
  }
  await faktory.start();
  await bouncer.metricIs('client_connections_ended_total{reason="client_reset"}', 4);
  await bouncer.gaugesAreZero();
  const pushed = [...faktory.lines('PUSH'), ...faktory.lines('PUSHB')].join('\n');
  for (const { jid } of [finished, reset]) t.equal(pushed.split(jid).length, 2, jid);
  for (const verb of ['ACK', 'FAIL', 'MUTATE']) t.equal(faktory.lines(verb).length, 1, verb);
});

t.test('FETCHes over equal sets share one, sent as the first client wrote it', async (t) => {
  const { faktory, connect } = await openPooledHeld(t);
  const [first, second] = [await connect({ wid: 'w1' }), await connect({ wid: 'w1' })];
  const one = first.command('FETCH b a');
  await faktory.waitFor((f) => f.lines('FETCH').length === 1);
  const two = second.command('FETCH a b');
  t.same(await (await connect()).command(pushLine({ queue: 'a' }).line), ok);
  t.match(replyText(await one), '"queue":"a"', 'the one that has waited longest');
  await faktory.waitFor((f) => f.lines('FETCH').length === 2);
  t.same(faktory.lines('FETCH'), ['FETCH b a', 'FETCH a b']);
  const { jid, line } = pushLine({ queue: 'b' });
  await (await connect()).command(line);
  t.match(replyText(await two), jid);
});

t.test('a share grows while jobs flow, and shrinks back', async (t) => {
  const overrides = { 'pool.linger': '200ms', 'pool.fetches_per_worker': 3 };
  const { faktory, connect } = await openPooled(t, overrides, { fetchBlockMs: 200 });
  const workers = await Promise.all(Array.from({ length: 6 }, () => connect({ wid: 'w1' })));
  const producer = await connect();
  let most = 0;
  let done = 0;
  const work = async (client: (typeof workers)[number]): Promise<void> => {
    while (done < 200) {
      if (replyText(await client.command('FETCH default')) !== null) done += 1;
      most = Math.max(most, faktory.connectionsOf('w1').length);
    }
  };
  const working = workers.map(work);
  for (let i = 0; i < 205; i += 1) await producer.command(pushLine().line);
  await Promise.all(working);
  t.equal(most, 3, 'up to pool.fetches_per_worker');
  await faktory.waitFor((f) => f.connectionsOf('w1').length === 1, 'one connection');
  t.pass('one is left: it keeps the worker known');
});

t.test('a client without wid may FETCH too', async (t) => {
  const { faktory, bouncer, connect } = await openPooledHeld(t);
  const client = await connect();
  const { jid, line } = pushLine();
  const fetched = client.command('FETCH default');
  await faktory.waitFor((f) => f.lines('FETCH').length === 1);
  await (await connect()).command(line);
  t.match(replyText(await fetched), jid);
  t.equal(faktory.jobs.holder(jid), '');
  t.equal(bouncer.snapshot().servers.fetch.open, 1);
});

t.test(
  'a worker with several server connections gives one up to a worker that waits',
  async (t) => {
    const { clock, faktory, bouncer, connect } = await openPooledHeld(t, {
      'limits.server_connections': 6,
      'limits.producer_reserve': 3,
      'pool.fetches_per_worker': 3,
    });
    const queues = ['a', 'b', 'c'];
    const busy = await Promise.all(queues.map(() => connect({ wid: 'busy' })));
    const fetches = busy.map((client, i) => client.command(`FETCH ${queues[i]}`));
    await until(() => faktory.connectionsOf('busy').length === 3, { what: 'three connections' });
    await until(() => faktory.jobs.blockedFetches === 3, { what: 'three FETCHes' });
    const newcomers = await Promise.all([connect({ wid: 'new' }), connect({ wid: 'new' })]);
    const beats = newcomers.map((client) => client.command('BEAT {"wid":"new"}'));
    await waitingAre(bouncer, 'worker', 2);
    faktory.jobs.releaseFetches();
    for (const beat of beats) t.same(await beat, ok);
    t.equal(faktory.connectionsOf('busy').length, 2);
    clock.advance(FETCH_MS);
    for (const fetch of fetches) t.same(await fetch, nil, 'no FETCH fails for it');
    t.equal(
      await bouncer.metric('server_connections_ended_total{reason="yielded"}'),
      1,
      'one only',
    );
  },
);

t.test('one that is not in use is given up first, at once', async (t) => {
  const { clock, faktory, bouncer, connect } = await openPooledHeld(t, {
    'limits.server_connections': 6,
    'limits.producer_reserve': 3,
    'pool.fetches_per_worker': 3,
  });
  const queues = ['a', 'b', 'c'];
  const busy = await Promise.all(queues.map(() => connect({ wid: 'busy' })));
  const fetches = busy.map((client, i) => client.command(`FETCH ${queues[i]}`));
  await until(() => faktory.jobs.blockedFetches === 3, { what: 'three FETCHes' });
  const producer = await connect();
  const { jid, line } = pushLine({ queue: 'c' });
  await producer.command(line);
  t.match(replyText((await fetches[2]) ?? nil), jid);
  const newcomer = await connect({ wid: 'new' });
  t.same(await newcomer.command('BEAT {"wid":"new"}'), ok);
  t.equal(faktory.jobs.blockedFetches, 2, 'no FETCH had to end for it');
  t.equal(await bouncer.metric('server_connections_ended_total{reason="yielded"}'), 1);
  clock.advance(FETCH_MS);
  for (const fetch of fetches.slice(0, 2)) t.same(await fetch, nil);
});
