// Who comes in, who waits and who is refused, as a client hears it. Each boundary at n, n + 1 and
// at n again once one has left.

import { connect as connectSocket } from 'node:net';
import t from 'tap';
import { RawClient } from '../support/raw-client.ts';
import { replyText } from '../support/reply.ts';
import type { Reply } from '../support/reply.ts';
import { HANGS_MS } from '../support/waiting.ts';
import { openHeld, pushLine, waitingAre } from './house.ts';

const ok: Reply = { kind: 'status', text: 'OK' };

/** The probe holds one place of the cap, so `cap` clients fit under `cap + 1`. */
const capOf = (cap: number) => ({
  'limits.server_connections': cap + 1,
  'limits.producer_reserve': 0,
});

t.test('the cap: n come in, n + 1 waits and comes in when one leaves', async (t) => {
  const { faktory, bouncer, connect } = await openHeld(t, capOf(2));
  const first = await connect();
  const second = await connect();
  t.same([first.helloReply, second.helloReply], [ok, ok]);
  const third = connect();
  await waitingAre(bouncer, 'producer', 1);
  t.equal(faktory.connections, 3, 'two clients and the probe');
  first.end();
  t.same((await third).helloReply, ok);
  t.equal(faktory.maxConnections, 3);
  t.same(await (await third).command(pushLine().line), ok);
});

t.test(
  'the cap: a client that has waited its time hears why, and the close is clean',
  async (t) => {
    const overrides = { ...capOf(1), 'waiting_line.timeout': '300ms' };
    const { clock, bouncer, connect } = await openHeld(t, overrides);
    const first = await connect();
    const refused = await connect({ skipHandshake: true });
    await refused.readReply();
    // Unread bytes at a close would make a reset of it, and the text would be lost.
    refused.send('HELLO {"v":2}\r\nINFO\r\nINFO\r\n');
    await waitingAre(bouncer, 'producer', 1);
    clock.advance(300);
    t.equal(
      replyText(await refused.readReply()),
      '-ERR too many connections: 2 (limit 2, limits.server_connections of faktory-bouncer); try again later or raise the limit',
    );
    t.equal(await refused.readUntilClose(), '');
    first.end();
    await first.closed;
    t.same((await connect()).helloReply, ok, 'n again once one has left');
    t.equal(await bouncer.metric('refusals_total{reason="server_connections"}'), 1);
    t.equal(await bouncer.metric('admissions_total{outcome="timed_out"}'), 1);
  },
);

t.test(
  'the cap: who waits comes in first come first served, producers before workers',
  async (t) => {
    const { bouncer, connect } = await openHeld(t, capOf(1));
    const first = await connect();
    const order: string[] = [];
    const arrive = async (name: string, wid?: string): Promise<void> => {
      const client = await connect(wid === undefined ? {} : { wid });
      // One with a wid waits for what its first command shows it to be.
      if (wid !== undefined) t.same(await client.command(`BEAT {"wid":"${wid}"}`), ok);
      order.push(name);
      client.end();
      await client.closed;
    };
    const arrivals = [arrive('worker 1', 'w1')];
    await waitingAre(bouncer, 'worker', 1);
    arrivals.push(arrive('worker 2', 'w2'));
    await waitingAre(bouncer, 'worker', 2);
    arrivals.push(arrive('producer'));
    await waitingAre(bouncer, 'producer', 1);
    first.end();
    await Promise.all(arrivals);
    t.same(order, ['producer', 'worker 1', 'worker 2']);
  },
);

t.test(
  'the producer reserve: workers fill their share only, a producer still comes in',
  async (t) => {
    const { clock, bouncer, connect } = await openHeld(t, {
      'limits.server_connections': 4,
      'limits.producer_reserve': 2,
      'waiting_line.timeout': '300ms',
    });
    const workers = [await connect({ wid: 'w1' }), await connect({ wid: 'w2' })];
    const third = await connect({ wid: 'w3' });
    t.same(third.helloReply, ok, 'what it does decides');
    const fetched = third.command('FETCH default');
    await waitingAre(bouncer, 'worker', 1);
    clock.advance(300);
    t.match(await fetched, { kind: 'error', text: /^ERR too many connections: 2 \(limit 2, / });
    t.equal(await third.readUntilClose(), '');
    t.same((await connect()).helloReply, ok);
    workers[0]?.end();
    await workers[0]?.closed;
    const again = await connect({ wid: 'w3' });
    t.same(await again.command('BEAT {"wid":"w3"}'), ok, 'n again once one has left');
    t.equal(await bouncer.metric('server_places_taken{role="worker"}'), 2);
  },
);

t.test('per_worker: n of one worker, n + 1 is refused by name, others come in', async (t) => {
  const overrides = { 'limits.per_worker': 2, 'waiting_line.timeout': '300ms' };
  const { clock, bouncer, connect } = await openHeld(t, overrides);
  const first = await connect({ wid: 'w1' });
  await connect({ wid: 'w1' });
  const coming = connect({ wid: 'w1' });
  await waitingAre(bouncer, 'worker', 1);
  clock.advance(300);
  const third = await coming;
  t.match(third.helloReply, {
    kind: 'error',
    text: /^ERR too many connections: 2 \(limit 2, limits\.per_worker /,
  });
  t.same((await connect({ wid: 'w2' })).helloReply, ok);
  t.same((await connect()).helloReply, ok);
  first.end();
  await first.closed;
  t.same((await connect({ wid: 'w1' })).helloReply, ok);
});

t.test('per_address: n of one address, n + 1 is refused by name, others come in', async (t) => {
  const overrides = { 'limits.per_address': 2, 'waiting_line.timeout': '300ms' };
  const { clock, bouncer, connect } = await openHeld(t, overrides);
  const first = await connect();
  await connect();
  const coming = connect();
  await waitingAre(bouncer, 'producer', 1);
  clock.advance(300);
  const third = await coming;
  t.match(third.helloReply, {
    kind: 'error',
    text: /^ERR too many connections: 2 \(limit 2, limits\.per_address /,
  });
  const elsewhere = { host: '127.0.0.1', port: bouncer.port, localAddress: '127.0.0.2' };
  const other = new RawClient(connectSocket(elsewhere), HANGS_MS);
  t.teardown(() => other.reset());
  await other.readReply();
  t.same(await other.command('HELLO {"v":2}'), ok);
  first.end();
  await first.closed;
  t.same((await connect()).helloReply, ok);
});

t.test('limits.clients: n + 1 is refused in place of HI', async (t) => {
  const { bouncer, connect } = await openHeld(t, { 'limits.clients': 2 });
  const first = await connect();
  await connect();
  const third = await connect();
  t.equal(
    replyText(third.hi ?? ok),
    '-ERR too many connections: 2 (limit 2, limits.clients of faktory-bouncer); try again later or raise the limit',
  );
  t.equal(await third.readUntilClose(), '');
  first.end();
  await first.closed;
  t.same((await connect()).helloReply, ok);
  t.equal(await bouncer.metric('refusals_total{reason="clients"}'), 1);
});

t.test('the peak of clients counts those that were let in, up to limits.clients', async (t) => {
  const { bouncer, connect } = await openHeld(t, { 'limits.clients': 2 });
  t.equal(bouncer.snapshot().peaks.clients, 0);
  const first = await connect();
  t.equal(bouncer.snapshot().peaks.clients, 1);
  await connect();
  t.match((await connect()).hi, { kind: 'error' });
  t.equal(bouncer.snapshot().peaks.clients, 2, 'the third was refused');
  first.end();
  await first.closed;
  t.same((await connect()).helloReply, ok);
  t.equal(bouncer.snapshot().peaks.clients, 2);
});

t.test('the waiting line: n wait, n + 1 is refused at once', async (t) => {
  const { bouncer, connect } = await openHeld(t, { ...capOf(1), 'waiting_line.size': 2 });
  const first = await connect();
  const second = connect();
  const third = await connect({ wid: 'w' });
  const beat = third.command('BEAT {"wid":"w"}');
  await waitingAre(bouncer, 'producer', 1);
  await waitingAre(bouncer, 'worker', 1);
  t.match((await connect()).helloReply, {
    kind: 'error',
    text: /^ERR too many connections: 2 \(limit 2, waiting_line\.size /,
  });
  first.end();
  t.same((await second).helloReply, ok);
  (await second).end();
  t.same(await beat, ok);
});

t.test('a client that hangs up while it waits has left at once', async (t) => {
  const { faktory, bouncer, connect } = await openHeld(t, capOf(1));
  const first = await connect();
  for (const how of ['end', 'reset'] as const) {
    const waiting = await connect({ skipHandshake: true });
    await waiting.readReply();
    waiting.send('HELLO {"v":2,"pid":1}\r\nPUSH {}');
    await waitingAre(bouncer, 'producer', 1);
    waiting[how]();
    await waitingAre(bouncer, 'producer', 0);
  }
  first.end();
  await bouncer.gaugesAreZero();
  t.equal(await bouncer.metric('admissions_total{outcome="hung_up"}'), 2);
  t.same(faktory.lines('PUSH'), [], 'what it sent ahead never reached Faktory');
  t.equal(faktory.lines('HELLO').length, 2, 'nobody said HELLO in its name');
});

t.test('observe_only lets everybody in and counts whom a limit would have kept out', async (t) => {
  const { faktory, bouncer, connect } = await openHeld(t, {
    ...capOf(1),
    'limits.per_worker': 1,
    'limits.clients': 3,
    observe_only: true,
  });
  for (const wid of ['w', 'w', 'v', 'u']) {
    t.same((await connect({ wid })).helloReply, ok);
  }
  t.equal(faktory.connections, 5);
  t.equal(await bouncer.metric('would_have_refused_total{reason="per_worker"}'), 1);
  t.equal(await bouncer.metric('would_have_refused_total{reason="server_connections"}'), 2);
  t.equal(await bouncer.metric('would_have_refused_total{reason="clients"}'), 1);
  t.equal(await bouncer.metric('refusals_total{reason="clients"}'), 0);
});

t.test('refusal_delay holds the refused, who keep nobody else out', async (t) => {
  const overrides = { 'limits.clients': 1, refusal_delay: '400ms' };
  const { clock, bouncer, connect } = await openHeld(t, overrides);
  const first = await connect();
  const coming = connect();
  await bouncer.metricIs('client_connections{role="unknown",state="refusing"}', 1);
  first.end();
  await first.closed;
  t.same((await connect()).helloReply, ok);
  clock.advance(399);
  t.equal(await bouncer.metric('client_connections{role="unknown",state="refusing"}'), 1);
  clock.advance(1);
  t.match((await coming).hi, { kind: 'error' });
});

t.test(
  'a refused client that is held and sends FIN reads why; one that resets is gone',
  async (t) => {
    const overrides = { 'limits.clients': 1, refusal_delay: '300ms' };
    const { clock, bouncer, connect } = await openHeld(t, overrides);
    await connect();
    const held = 'client_connections{role="unknown",state="refusing"}';
    const refused = await connect({ skipHandshake: true });
    await bouncer.metricIs(held, 1);
    refused.end();
    clock.advance(300);
    t.match(await refused.readReply(), { kind: 'error', text: /^ERR too many connections/ });
    t.equal(await refused.readUntilClose(), '');
    await bouncer.metricIs('client_connections_ended_total{reason="refused"}', 1);
    const gone = await connect({ skipHandshake: true });
    await bouncer.metricIs(held, 1);
    gone.reset();
    await bouncer.metricIs('client_connections_ended_total{reason="client_reset"}', 1);
    await bouncer.metricIs(held, 0);
  },
);
