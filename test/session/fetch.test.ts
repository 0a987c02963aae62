// A FETCH outlives its client: its place stays taken until Faktory answers, and a job that comes
// then finds a taker or is given back. And the cap on FETCHes in flight, through the wire.

import t from 'tap';
import { nil, ok } from '../support/reply.ts';
import type { Reply } from '../support/reply.ts';
import { until } from '../support/waiting.ts';
import { type House, openHeld, pushLine, waitingAre } from './house.ts';

/** How long a FETCH may wait for its answer. */
const FETCH_MS = 2000;
/** A FETCH that has waited so long is still sent. */
const LATE_MS = 500;
/** The default of pool.hold. */
const HOLD_MS = 5000;
const ORPHANED = 'server_connections{lane="session",state="orphaned"}';

/** A worker whose FETCH is at Faktory. */
async function fetching({ faktory, connect }: House, wid: string, queue = 'default') {
  const blocked = faktory.jobs.blockedFetches;
  const client = await connect({ wid });
  client.send(`FETCH ${queue}\r\n`);
  await until(() => faktory.jobs.blockedFetches === blocked + 1, { what: `FETCH of ${wid}` });
  return client;
}

function jidIn(reply: Reply): unknown {
  if (reply.kind !== 'bulk' || reply.text === null) return reply;
  return (JSON.parse(reply.text) as { jid: unknown }).jid;
}

for (const how of ['end', 'reset'] as const) {
  t.test(
    `a worker that leaves (${how}) in FETCH: place and FETCH are taken until the answer`,
    async (t) => {
      const house = await openHeld(t, {
        'limits.server_connections': 2,
        'limits.producer_reserve': 0,
      });
      const { faktory, bouncer, connect } = house;
      const gone = await fetching(house, 'w1');
      gone[how]();
      await bouncer.metricIs(ORPHANED, 1);
      t.equal(bouncer.snapshot().fetches.inFlight, 1);
      t.equal(bouncer.snapshot().placesTaken.worker, 1);
      t.equal(bouncer.snapshot().clients.worker.open, 0);
      const coming = connect();
      await waitingAre(bouncer, 'producer', 1);
      faktory.jobs.releaseFetches();
      const next = await coming;
      t.equal(next.helloReply?.kind, 'status', 'comes in once the FETCH is answered');
      t.equal(faktory.maxConnections, 2);
      next.end();
      await bouncer.gaugesAreZero();
    },
  );
}

t.test(
  'a client that leaves in another command: its place is taken until the answer',
  async (t) => {
    const { clock, faktory, bouncer, connect } = await openHeld(t, {
      'limits.server_connections': 2,
      'limits.producer_reserve': 0,
      'waiting_line.timeout': '2500ms',
    });
    const lift = faktory.inject({ kind: 'stall' }, { on: 'PUSH' });
    const gone = await connect();
    gone.send(`${pushLine().line}\r\n`);
    await faktory.waitFor((f) => f.lines('PUSH').length === 1, 'the PUSH');
    gone.reset();
    const refused = connect();
    await waitingAre(bouncer, 'producer', 1);
    clock.advance(2500);
    t.match((await refused).helloReply, { text: /^ERR too many connections: 2 / });
    t.equal(faktory.maxConnections, 2);
    lift();
    await bouncer.gaugesAreZero();
  },
);

t.test('its job goes to a FETCH that waits in the bouncer', async (t) => {
  const house = await openHeld(t, { 'limits.fetches_in_flight': 1 });
  const { clock, faktory, bouncer, connect } = house;
  const gone = await fetching(house, 'w1');
  const other = await connect({ wid: 'w2' });
  const same = await connect({ wid: 'w1' });
  const otherReply = other.command('FETCH default');
  const sameReply = same.command('FETCH x default');
  await bouncer.metricIs('fetches_waiting', 2);
  gone.reset();
  await bouncer.metricIs(ORPHANED, 1);
  const { jid, line } = pushLine();
  await (await connect()).command(line);
  t.equal(jidIn(await sameReply), jid, 'its own worker comes first');
  t.equal(faktory.jobs.holder(jid), 'w1');
  clock.advance(FETCH_MS);
  t.same(await otherReply, nil);
  t.equal(await bouncer.metric('stray_jobs_total{fate="taken_over_same_worker"}'), 1);
  await same.command(`ACK {"jid":"${jid}"}`);
  t.same(faktory.jobs.acknowledged, [jid]);
});

t.test('its job goes to the next FETCH of its queue', async (t) => {
  const house = await openHeld(t);
  const { faktory, bouncer, connect } = house;
  const gone = await fetching(house, 'w1');
  gone.end();
  await bouncer.metricIs(ORPHANED, 1);
  const { jid, line } = pushLine();
  await (await connect()).command(line);
  await bouncer.metricIs('stray_jobs', 1);
  const next = await connect({ wid: 'w2' });
  const fetched = faktory.lines('FETCH').length;
  t.equal(jidIn(await next.command('FETCH default')), jid);
  t.equal(faktory.lines('FETCH').length, fetched, 'without asking Faktory');
  t.equal(await bouncer.metric('stray_jobs_total{fate="taken_over_other_worker"}'), 1);
  await next.command(`ACK {"jid":"${jid}"}`);
  t.same(faktory.jobs.reservedJids, []);
});

t.test('its job does not go to a FETCH of another queue', async (t) => {
  const house = await openHeld(t);
  const { clock, faktory, bouncer, connect } = house;
  const gone = await fetching(house, 'w1');
  gone.end();
  await bouncer.metricIs(ORPHANED, 1);
  await (await connect()).command(pushLine().line);
  await bouncer.metricIs('stray_jobs', 1);
  const next = await connect({ wid: 'w1' });
  const fetched = next.command('FETCH defaul default2');
  await until(() => faktory.jobs.blockedFetches === 1, { what: 'the FETCH' });
  t.equal(bouncer.snapshot().strayJobs, 1);
  faktory.jobs.releaseFetches();
  t.same(await fetched, nil);
  t.equal(bouncer.snapshot().strayJobs, 1);
  next.end();
  t.teardown(clock.run());
  await bouncer.drain();
  t.equal(faktory.jobs.failed.length, 1, 'a stop gives back what is held');
});

for (const [retry, fate] of [
  [25, 'retry'],
  [0, 'discarded'],
  [-1, 'dead'],
] as const) {
  t.test(`its job, retry ${retry}, is given back when nobody comes: ${fate}`, async (t) => {
    const house = await openHeld(t);
    const { clock, faktory, bouncer, connect } = house;
    const gone = await fetching(house, 'w1');
    gone.reset();
    await bouncer.metricIs(ORPHANED, 1);
    const { jid, line } = pushLine({ retry });
    const producer = await connect();
    await producer.command(line);
    await bouncer.metricIs('stray_jobs', 1);
    clock.advance(HOLD_MS - 1);
    t.equal(await bouncer.metric('stray_jobs'), 1);
    clock.advance(1);
    await bouncer.metricIs(`stray_jobs_total{fate="given_back_${fate}"}`, 1);
    t.same(faktory.jobs.failed, [{ jid, fate, errtype: 'ClientGone' }]);
    t.same(faktory.jobs.reservedJids, []);
    producer.end();
    await bouncer.gaugesAreZero();
  });
}

t.test('its job is given back over a new connection when Faktory has been away', async (t) => {
  const house = await openHeld(t);
  const { clock, faktory, bouncer, connect } = house;
  const gone = await fetching(house, 'w1');
  gone.reset();
  await bouncer.metricIs(ORPHANED, 1);
  faktory.inject({ kind: 'close-before' }, { on: 'FAIL', times: 1 });
  await (await connect()).command(pushLine().line);
  await bouncer.metricIs('stray_jobs', 1);
  clock.advance(HOLD_MS);
  t.teardown(clock.run());
  await bouncer.metricIs('stray_jobs_total{fate="given_back_retry"}', 1);
  t.equal(faktory.lines('FAIL').length, 2);
});

t.test('a connection that is lost while its client is gone leaves nothing behind', async (t) => {
  const house = await openHeld(t);
  const { faktory, bouncer } = house;
  const gone = await fetching(house, 'w1');
  gone.reset();
  await bouncer.metricIs(ORPHANED, 1);
  faktory.drop('reset');
  await bouncer.gaugesAreZero();
});

t.test(
  'fetches_in_flight: n are at Faktory, n + 1 gets nil at 2 s without reaching it',
  async (t) => {
    const house = await openHeld(t, { 'limits.fetches_in_flight': 2 });
    const { clock, faktory, bouncer, connect } = house;
    await fetching(house, 'w1');
    await fetching(house, 'w2');
    const third = await connect({ wid: 'w3' });
    const answer = third.command('FETCH default');
    await bouncer.metricIs('fetches_waiting', 1);
    clock.advance(FETCH_MS - 1);
    t.equal(await bouncer.metric('fetches_waiting'), 1);
    clock.advance(1);
    t.same(await answer, nil);
    t.equal(faktory.lines('FETCH').length, 2);
    t.equal(await bouncer.metric('fetches_answered_nil_total'), 1);
    t.match(await third.command('INFO'), { kind: 'bulk' });
  },
);

t.test('fetches_in_flight: n + 1 is sent as soon as one is answered', async (t) => {
  const house = await openHeld(t, { 'limits.fetches_in_flight': 1 });
  const { faktory, connect } = house;
  const first = await fetching(house, 'w1');
  const second = await connect({ wid: 'w2' });
  const reply = second.command('FETCH other');
  await (await connect()).command(pushLine().line);
  t.match(await first.readReply(), { kind: 'bulk' });
  await until(() => faktory.lines('FETCH').length === 2, { what: 'the second FETCH' });
  const { jid, line } = pushLine({ queue: 'other' });
  await (await connect()).command(line);
  t.equal(jidIn(await reply), jid);
});

t.test('a FETCH that waits leaves with its client', async (t) => {
  const house = await openHeld(t, { 'limits.fetches_in_flight': 1 });
  const { faktory, bouncer, connect } = house;
  await fetching(house, 'w1');
  const second = await connect({ wid: 'w2' });
  second.send('FETCH default\r\n');
  await bouncer.metricIs('fetches_waiting', 1);
  second.end();
  await bouncer.metricIs('fetches_waiting', 0);
  await until(() => bouncer.snapshot().placesTaken.worker === 1, { what: 'its place' });
  t.equal(faktory.lines('FETCH').length, 1);
});

t.test('a FETCH that was sent late brings its client nil at 2 s, and no job later', async (t) => {
  const house = await openHeld(t, { 'limits.fetches_in_flight': 1 });
  const { clock, faktory, bouncer, connect } = house;
  const producer = await connect();
  await fetching(house, 'w1', 'first');
  const late = await connect({ wid: 'w2' });
  const answer = late.command('FETCH second');
  await bouncer.metricIs('fetches_waiting', 1);
  clock.advance(LATE_MS);
  await producer.command(pushLine({ queue: 'first' }).line);
  await until(() => faktory.lines('FETCH').length === 2, { what: 'the second FETCH' });
  clock.advance(FETCH_MS - LATE_MS);
  t.same(await answer, nil);
  t.equal(faktory.jobs.blockedFetches, 1, 'it is at Faktory still');
  const { jid, line } = pushLine({ queue: 'second' });
  const next = late.command('FETCH second');
  await producer.command(line);
  t.equal(jidIn(await next), jid, 'the job is for the next question');
  t.equal(await bouncer.metric('fetches_answered_nil_total'), 1);
  t.same(await late.command(`ACK {"jid":"${jid}"}`), ok);
});

t.test('what its client says meanwhile is sent, also if it leaves then', async (t) => {
  const house = await openHeld(t, { 'limits.fetches_in_flight': 1 });
  const { clock, faktory, bouncer, connect } = house;
  const producer = await connect();
  const first = await fetching(house, 'w1', 'first');
  const late = await connect({ wid: 'w2' });
  const answer = late.command('FETCH second');
  await bouncer.metricIs('fetches_waiting', 1);
  clock.advance(LATE_MS);
  await producer.command(pushLine({ queue: 'first' }).line);
  await until(() => faktory.lines('FETCH').length === 2, { what: 'the second FETCH' });
  clock.advance(FETCH_MS - LATE_MS);
  t.same(await answer, nil);
  late.send(`${pushLine({ queue: 'third' }).line}\r\n`);
  late.end();
  t.equal((await producer.command('INFO')).kind, 'bulk', 'both have arrived by now');
  t.equal(faktory.jobs.queued('third').length, 0, 'its server connection is in FETCH');
  faktory.jobs.releaseFetches();
  await until(() => faktory.jobs.queued('third').length === 1, { what: 'the PUSH' });
  for (const client of [first, producer]) client.end();
  await bouncer.gaugesAreZero();
});
