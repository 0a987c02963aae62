// A stop: what is on its way is answered, nobody new comes in, and it ends in time.

import t from 'tap';
import { RawClient } from '../support/raw-client.ts';
import { nil, ok } from '../support/reply.ts';
import { delay, stall } from '../support/toxics.ts';
import { until } from '../support/waiting.ts';
import { drainGivesBack, openHouse, pushLine, waitingAre } from './house.ts';

const DRAINING = { kind: 'error', text: 'ERR faktory-bouncer is stopping; connect again' } as const;

async function timed(work: Promise<void>): Promise<number> {
  const startedAt = performance.now();
  await work;
  return performance.now() - startedAt;
}

t.test('with nobody there, or only idle clients, a stop ends at once', async (t) => {
  const { faktory, bouncer, connect } = await openHouse(t, { drain_timeout: '20s' });
  const idle = [await connect(), await connect({ wid: 'w' })];
  t.ok((await timed(bouncer.drain())) < 1000);
  for (const client of idle) t.equal(await client.readUntilClose(), '');
  await faktory.waitFor((f) => f.connections === 0, 'every connection to be closed');
});

t.test('commands on their way are answered, FETCHes too', async (t) => {
  const house = await openHouse(t, { drain_timeout: '20s' }, { fetchBlockMs: 500 });
  const { faktory, bouncer, connect } = house;
  faktory.inject(delay(300), { on: 'PUSH' });
  const producer = await connect();
  producer.send(`${pushLine({ queue: 'other' }).line}\r\n`);
  const worker = await connect({ wid: 'w' });
  worker.send('FETCH default\r\n');
  await until(() => faktory.jobs.blockedFetches === 1, { what: 'the FETCH' });
  await faktory.waitFor((f) => f.lines('PUSH').length === 1);
  const drained = timed(bouncer.drain());
  t.same(await producer.readReply(), ok);
  t.equal(await producer.readUntilClose(), '');
  t.same(await worker.readReply(), nil);
  t.equal(await worker.readUntilClose(), '');
  t.ok((await drained) < 3000);
});

t.test('a FETCH that waits in the bouncer gets nil', async (t) => {
  const house = await openHouse(t, { 'limits.fetches_in_flight': 1, drain_timeout: '20s' });
  const { faktory, bouncer, connect } = house;
  const first = await connect({ wid: 'w1' });
  first.send('FETCH default\r\n');
  await until(() => faktory.jobs.blockedFetches === 1, { what: 'the FETCH' });
  const second = await connect({ wid: 'w2' });
  second.send('FETCH default\r\n');
  await bouncer.metricIs('fetches_waiting', 1);
  const startedAt = performance.now();
  const drained = bouncer.drain();
  t.same(await second.readReply(), nil);
  t.ok(performance.now() - startedAt < 500, 'at once');
  t.equal(faktory.lines('FETCH').length, 1);
  await drained;
});

t.test('nobody new is let in: who waits, is let in or has not said HELLO hears why', async (t) => {
  const { faktory, bouncer, connect } = await openHouse(t, {
    'limits.server_connections': 3,
    'limits.producer_reserve': 0,
    drain_timeout: '20s',
  });
  await connect();
  faktory.inject(stall, { on: 'HELLO' });
  const opening = connect();
  await bouncer.metricIs('client_connections{role="producer",state="opening"}', 1);
  const waiting = connect();
  await waitingAre(bouncer, 'producer', 1);
  const silent = await connect({ skipHandshake: true });
  await silent.readReply();
  const drained = timed(bouncer.drain());
  t.same((await opening).helloReply, DRAINING);
  t.same((await waiting).helloReply, DRAINING);
  t.same(await silent.readReply(), DRAINING);
  await t.rejects(RawClient.connect({ port: bouncer.port }), /ECONNREFUSED/);
  t.ok((await drained) < 3000);
});

t.test('what stays unanswered is closed at drain_timeout', async (t) => {
  const { faktory, bouncer, connect } = await openHouse(t, { drain_timeout: '500ms' });
  faktory.inject(stall, { on: 'PUSH' });
  const client = await connect();
  client.send(`${pushLine().line}\r\n`);
  const gone = await connect({ wid: 'w' });
  gone.send('FETCH default\r\n');
  await until(() => faktory.jobs.blockedFetches === 1, { what: 'the FETCH' });
  gone.reset();
  await faktory.waitFor((f) => f.lines('PUSH').length === 1);
  const tookMs = await timed(bouncer.drain());
  t.ok(tookMs >= 450 && tookMs < 1500, `${tookMs} ms`);
  t.equal(await client.readUntilClose(), '');
});

t.test('a job that comes for a client that has left is given back before the end', async (t) => {
  const house = await openHouse(t, { drain_timeout: '20s' });
  const { faktory, bouncer, connect } = house;
  const gone = await connect({ wid: 'w' });
  gone.send('FETCH default\r\n');
  await until(() => faktory.jobs.blockedFetches === 1, { what: 'the FETCH' });
  gone.reset();
  await bouncer.metricIs('server_connections{lane="session",state="orphaned"}', 1);
  await drainGivesBack(t, house);
});

t.test('metrics are served until the end and say that it drains; readiness is gone', async (t) => {
  const house = await openHouse(t, { drain_timeout: '20s' }, { fetchBlockMs: 500 });
  const { faktory, bouncer, connect } = house;
  const ready = `http://127.0.0.1:${bouncer.adminPort}/readyz`;
  t.equal((await fetch(ready)).status, 200);
  const worker = await connect({ wid: 'w' });
  worker.send('FETCH default\r\n');
  await until(() => faktory.jobs.blockedFetches === 1, { what: 'the FETCH' });
  const drained = bouncer.drain();
  t.equal(await bouncer.metric('draining'), 1);
  t.equal((await fetch(ready)).status, 503);
  await drained;
  await t.rejects(fetch(ready));
});

t.test('for drain_delay it is not ready, and lets in and serves as before', async (t) => {
  const { bouncer, connect } = await openHouse(t, { drain_delay: '1s', drain_timeout: '20s' });
  const early = await connect();
  const startedAt = performance.now();
  const drained = bouncer.drain();
  const ready = await fetch(`http://127.0.0.1:${bouncer.adminPort}/readyz`);
  t.equal(ready.status, 503);
  const late = await connect();
  t.same(late.helloReply, ok);
  t.same(await early.command(pushLine().line), ok);
  t.equal(await early.readUntilClose(), '');
  t.equal(await late.readUntilClose(), '');
  t.ok(performance.now() - startedAt >= 999);
  await drained;
});

t.test('clients leave in turns, and are served until theirs comes', async (t) => {
  const { faktory, bouncer, connect } = await openHouse(t, {
    'limits.server_connections': 400,
    drain_timeout: '60s',
  });
  const clients = await Promise.all(Array.from({ length: 250 }, () => connect()));
  const drained = bouncer.drain();
  await until(() => clients.some(({ isClosed }) => isClosed), { what: 'the first to leave' });
  const left = clients.filter(({ isClosed }) => !isClosed);
  t.ok(left.length >= 50, `${left.length} are left`);
  const last = left.at(-1);
  t.same(await last?.command(pushLine().line), ok);
  t.equal(await last?.readUntilClose(), '');
  await drained;
  t.equal(faktory.jobs.queued('default').length, 1);
});
