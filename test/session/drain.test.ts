// A stop: what is on its way is answered, nobody new comes in, and it ends in time.

import t from 'tap';
import { DEPARTURE_INTERVAL_MS } from '../../src/client/departure.ts';
import { RawClient } from '../support/raw-client.ts';
import { nil, ok } from '../support/reply.ts';
import { UNTIL_RELEASED } from '../support/stand-in-jobs.ts';
import { StillClock } from '../support/still-clock.ts';
import { stall } from '../support/toxics.ts';
import { until } from '../support/waiting.ts';
import { drainGivesBack, openHeld, openHouse, pushLine, waitingAre } from './house.ts';

const DRAINING = { kind: 'error', text: 'ERR faktory-bouncer is stopping; connect again' } as const;

/** Never the reason for which a stop ends. */
const NEVER = '1h';

t.test('with nobody there, or only idle clients, a stop waits for nothing', async (t) => {
  const { faktory, bouncer, connect } = await openHouse(t, { drain_timeout: NEVER });
  const idle = [await connect(), await connect({ wid: 'w' })];
  await bouncer.drain();
  for (const client of idle) t.equal(await client.readUntilClose(), '');
  await faktory.waitFor((f) => f.connections === 0, 'every connection to be closed');
});

t.test('commands on their way are answered, FETCHes too', async (t) => {
  const house = await openHouse(t, { drain_timeout: NEVER }, { fetchBlockMs: UNTIL_RELEASED });
  const { faktory, bouncer, connect } = house;
  const lift = faktory.inject(stall, { on: 'PUSH' });
  const producer = await connect();
  producer.send(`${pushLine({ queue: 'other' }).line}\r\n`);
  const worker = await connect({ wid: 'w' });
  worker.send('FETCH default\r\n');
  await until(() => faktory.jobs.blockedFetches === 1, { what: 'the FETCH' });
  await faktory.waitFor((f) => f.lines('PUSH').length === 1);
  const order: string[] = [];
  const drained = bouncer.drain().then(() => order.push('the end'));
  lift();
  t.same(await producer.readReply(), ok);
  t.equal(await producer.readUntilClose(), '');
  order.push('the FETCH');
  faktory.jobs.releaseFetches();
  t.same(await worker.readReply(), nil);
  t.equal(await worker.readUntilClose(), '');
  await drained;
  t.same(order, ['the FETCH', 'the end']);
});

t.test('a FETCH that waits in the bouncer gets nil', async (t) => {
  // In no time: it is the stop that answers, not the 2 s that a FETCH may wait.
  const house = await openHouse(
    t,
    { 'limits.fetches_in_flight': 1, drain_timeout: NEVER },
    { fetchBlockMs: UNTIL_RELEASED },
    new StillClock(),
  );
  const { faktory, bouncer, connect } = house;
  const first = await connect({ wid: 'w1' });
  first.send('FETCH default\r\n');
  await until(() => faktory.jobs.blockedFetches === 1, { what: 'the FETCH' });
  const second = await connect({ wid: 'w2' });
  second.send('FETCH default\r\n');
  await bouncer.metricIs('fetches_waiting', 1);
  const drained = bouncer.drain();
  t.same(await second.readReply(), nil);
  t.equal(faktory.lines('FETCH').length, 1);
  faktory.jobs.releaseFetches();
  await drained;
});

t.test('nobody new is let in: who waits, is let in or has not said HELLO hears why', async (t) => {
  const { faktory, bouncer, connect } = await openHouse(t, {
    'limits.server_connections': 3,
    'limits.producer_reserve': 0,
    drain_timeout: NEVER,
  });
  await connect();
  const lift = faktory.inject(stall, { on: 'HELLO' });
  const opening = connect();
  await bouncer.metricIs('client_connections{role="producer",state="opening"}', 1);
  const waiting = connect();
  await waitingAre(bouncer, 'producer', 1);
  const silent = await connect({ skipHandshake: true });
  await silent.readReply();
  const drained = bouncer.drain();
  t.same((await opening).helloReply, DRAINING);
  t.same((await waiting).helloReply, DRAINING);
  t.same(await silent.readReply(), DRAINING);
  await t.rejects(RawClient.connect({ port: bouncer.port }), /ECONNREFUSED/);
  lift();
  await drained;
});

t.test('what stays unanswered is closed at drain_timeout', async (t) => {
  const { clock, faktory, bouncer, connect } = await openHeld(t, { drain_timeout: '500ms' });
  faktory.inject(stall, { on: 'PUSH' });
  const client = await connect();
  client.send(`${pushLine().line}\r\n`);
  const gone = await connect({ wid: 'w' });
  gone.send('FETCH default\r\n');
  await until(() => faktory.jobs.blockedFetches === 1, { what: 'the FETCH' });
  gone.reset();
  await faktory.waitFor((f) => f.lines('PUSH').length === 1);
  await until(() => bouncer.snapshot().clients.worker.open === 0, { what: 'it to be gone' });
  let isOver = false;
  const drained = bouncer.drain().then(() => (isOver = true));
  await until(() => bouncer.snapshot().draining, { what: 'the stop' });
  clock.advance(499);
  await new Promise(setImmediate);
  t.notOk(client.isClosed || isOver, 'not before');
  // Whether it is over is asked now and then.
  await until(() => isOver || (clock.advance(10), false), { what: 'the end' });
  await drained;
  t.equal(await client.readUntilClose(), '');
  t.ok(clock.now() < 1000, `${clock.now()} ms`);
});

t.test('a job that comes for a client that has left is given back before the end', async (t) => {
  const house = await openHouse(t, { drain_timeout: NEVER });
  const { faktory, bouncer, connect } = house;
  const gone = await connect({ wid: 'w' });
  gone.send('FETCH default\r\n');
  await until(() => faktory.jobs.blockedFetches === 1, { what: 'the FETCH' });
  gone.reset();
  await bouncer.metricIs('server_connections{lane="session",state="orphaned"}', 1);
  await drainGivesBack(t, house);
});

t.test('metrics are served until the end and say that it drains; readiness is gone', async (t) => {
  const house = await openHouse(t, { drain_timeout: NEVER }, { fetchBlockMs: UNTIL_RELEASED });
  const { faktory, bouncer, connect } = house;
  const ready = `http://127.0.0.1:${bouncer.adminPort}/readyz`;
  t.equal((await fetch(ready)).status, 200);
  const worker = await connect({ wid: 'w' });
  worker.send('FETCH default\r\n');
  await until(() => faktory.jobs.blockedFetches === 1, { what: 'the FETCH' });
  const drained = bouncer.drain();
  t.equal(await bouncer.metric('draining'), 1);
  t.equal((await fetch(ready)).status, 503);
  faktory.jobs.releaseFetches();
  await drained;
  await t.rejects(fetch(ready));
});

t.test('for drain_delay it is not ready, and lets in and serves as before', async (t) => {
  const overrides = { drain_delay: '1s', drain_timeout: NEVER };
  const { clock, bouncer, connect } = await openHeld(t, overrides);
  const early = await connect();
  const drained = bouncer.drain();
  const ready = await fetch(`http://127.0.0.1:${bouncer.adminPort}/readyz`);
  t.equal(ready.status, 503);
  const late = await connect();
  t.same(late.helloReply, ok);
  t.same(await early.command(pushLine().line), ok);
  clock.advance(999);
  t.same(await late.command(pushLine().line), ok, 'to its end');
  t.teardown(clock.run());
  t.equal(await early.readUntilClose(), '');
  t.equal(await late.readUntilClose(), '');
  await drained;
});

t.test('clients leave in turns, and are served until theirs comes', async (t) => {
  const overrides = { 'limits.server_connections': 400, drain_timeout: NEVER };
  const { clock, faktory, bouncer, connect } = await openHeld(t, overrides);
  const clients = await Promise.all(Array.from({ length: 250 }, () => connect()));
  const drained = bouncer.drain();
  const left = () => clients.filter(({ isClosed }) => !isClosed);
  await until(() => left().length === 150, { what: 'the first to leave' });
  clock.advance(DEPARTURE_INTERVAL_MS);
  await until(() => left().length === 50, { what: 'more to leave' });
  const last = left().at(-1);
  t.same(await last?.command(pushLine().line), ok);
  clock.advance(DEPARTURE_INTERVAL_MS);
  t.equal(await last?.readUntilClose(), '');
  t.teardown(clock.run());
  await drained;
  t.equal(faktory.jobs.queued('default').length, 1);
});
