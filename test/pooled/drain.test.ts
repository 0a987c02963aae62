// A stop in pooled mode: what is on its way over shared connections is answered, what waits in the
// bouncer is told so, and no job stays behind.

import t from 'tap';
import { drainGivesBack, pushLine } from '../session/house.ts';
import { RawClient } from '../support/raw-client.ts';
import { nil, ok, type Reply, replyText } from '../support/reply.ts';
import { stall } from '../support/toxics.ts';
import { until } from '../support/waiting.ts';
import { openPooled, openPooledHeld } from './support/house.ts';

function jidIn(reply: Reply): string {
  return (JSON.parse(replyText(reply) ?? '{}') as { jid: string }).jid;
}

/** Never the reason for which a stop ends. */
const NEVER = '1h';
const UNREACHABLE = '-ERR Faktory is unreachable; try again later';

t.test('commands on their way are answered; clients close, then server connections', async (t) => {
  const { faktory, bouncer, connect } = await openPooled(t, {
    'pool.bulk_push': false,
    drain_timeout: NEVER,
  });
  const lift = faktory.inject(stall, { on: 'PUSH' });
  const producers = [await connect(), await connect(), await connect()];
  for (const producer of producers) producer.send(`${pushLine().line}\r\n`);
  await bouncer.metricIs('command_lane_outstanding', 3);
  const idle = await connect({ wid: 'w' });
  const drained = bouncer.drain();
  t.equal(await idle.readUntilClose(), '');
  lift();
  for (const producer of producers) {
    t.same(await producer.readReply(), ok);
    t.equal(await producer.readUntilClose(), '');
  }
  await drained;
  t.equal(faktory.jobs.queued('default').length, 3);
  await faktory.waitFor((f) => f.connections === 0, 'every connection to be closed');
});

t.test('a FETCH in flight is waited for, one without a FETCH of its own gets nil', async (t) => {
  const { clock, faktory, bouncer, connect } = await openPooledHeld(t, {
    'pool.fetches_per_worker': 1,
    drain_timeout: NEVER,
  });
  const clients = [await connect({ wid: 'w' }), await connect({ wid: 'w' })];
  for (const client of clients) client.send('FETCH default\r\n');
  await bouncer.metricIs('fetches_waiting', 2);
  await until(() => faktory.jobs.blockedFetches === 1, { what: 'the FETCH of one of them' });
  t.teardown(clock.run());
  const drained = bouncer.drain();
  await until(() => bouncer.snapshot().draining, { what: 'the stop' });
  faktory.jobs.releaseFetches();
  for (const client of clients) {
    t.same(await client.readReply(), nil);
    t.equal(await client.readUntilClose(), '');
  }
  await drained;
  t.equal(faktory.lines('FETCH').length, 1);
  t.equal(faktory.jobs.blockedFetches, 0);
});

t.test('jobs that come for FETCHes at Faktory are delivered, each once', async (t) => {
  const { clock, faktory, bouncer, connect } = await openPooledHeld(t, {
    'pool.fetches_per_worker': 1,
    drain_timeout: NEVER,
  });
  const clients = await Promise.all(
    Array.from({ length: 10 }, (_, i) => connect({ wid: `worker-${i}` })),
  );
  for (const client of clients) client.send('FETCH default\r\n');
  await until(() => faktory.jobs.blockedFetches === clients.length, { what: 'the FETCHes' });
  const drained = bouncer.drain();
  await until(() => bouncer.snapshot().draining, { what: 'the stop' });
  const past = await RawClient.connect({ port: faktory.port });
  t.teardown(() => past.reset());
  const jids = clients.map(() => pushLine({ retry: 0 }));
  for (const { line } of jids) t.same(await past.command(line), ok);
  const delivered = await Promise.all(clients.map((client) => client.readReply()));
  t.teardown(clock.run());
  t.same(delivered.map(jidIn).sort(), jids.map(({ jid }) => jid).sort());
  await drained;
  t.same(faktory.jobs.failed, []);
});

t.test('a job that comes for a worker that has left is given back before the end', async (t) => {
  const house = await openPooledHeld(t, { drain_timeout: NEVER });
  const { clock, faktory, bouncer, connect } = house;
  const gone = await connect({ wid: 'w' });
  gone.send('FETCH default\r\n');
  await until(() => faktory.jobs.blockedFetches === 1, { what: 'the FETCH' });
  gone.reset();
  await until(() => bouncer.snapshot().clients.worker.open === 0, { what: 'it to be gone' });
  t.teardown(clock.run());
  await drainGivesBack(t, house);
});

t.test('while Faktory is away, what waits hears so before its client is closed', async (t) => {
  const { faktory, bouncer, connect } = await openPooled(t, {
    'pool.outage_wait': '1s',
    drain_timeout: NEVER,
  });
  const client = await connect();
  await faktory.stop();
  await until(() => !bouncer.snapshot().faktory.up, { what: 'the outage to be seen' });
  client.send(`${pushLine().line}\r\n`);
  await until(() => bouncer.snapshot().commandLane.waiting === 1, { what: 'a command to wait' });
  const drained = bouncer.drain();
  t.equal(replyText(await client.readReply()), UNREACHABLE);
  t.equal(await client.readUntilClose(), '');
  await drained;
});
