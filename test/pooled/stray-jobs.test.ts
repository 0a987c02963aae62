// What becomes of a job that arrives for a client that is gone, and who gets a place.

import t from 'tap';
import { pushLine, waitingAre } from '../session/house.ts';
import type { RunningBouncer } from '../support/bouncer.ts';
import type { RawClient } from '../support/raw-client.ts';
import { ok, replyText } from '../support/reply.ts';
import type { StandInFaktory } from '../support/stand-in-faktory.ts';
import { until } from '../support/waiting.ts';
import { openPooledHeld } from './support/house.ts';

/** The client asks for `queues` and leaves; its FETCH stays behind at Faktory. */
async function leaveInFetch(
  { faktory, bouncer }: { readonly faktory: StandInFaktory; readonly bouncer: RunningBouncer },
  client: RawClient,
  how: 'end' | 'reset',
): Promise<void> {
  const before = faktory.jobs.blockedFetches;
  const ended = bouncer.snapshot().clients.worker.open;
  client.send('FETCH q\r\n');
  await until(() => faktory.jobs.blockedFetches > before, { what: 'its FETCH' });
  client[how]();
  await until(() => bouncer.snapshot().clients.worker.open < ended, { what: 'its end' });
}

/** The default of pool.hold. */
const HOLD_MS = 5000;

t.test('it goes to a waiting FETCH of the same worker first', async (t) => {
  const house = await openPooledHeld(t);
  const [gone, other, same] = [
    await house.connect({ wid: 'w1' }),
    await house.connect({ wid: 'w2' }),
    await house.connect({ wid: 'w1' }),
  ];
  await leaveInFetch(house, gone, 'reset');
  other.send('FETCH q\r\n');
  await until(() => house.faktory.jobs.blockedFetches === 2, { what: 'the FETCH of w2' });
  const taken = same.command('FETCH x q');
  await until(() => house.bouncer.snapshot().fetches.waiting === 2, { what: 'both to wait' });
  const { jid, line } = pushLine({ queue: 'q' });
  await (await house.connect()).command(line);
  t.match(replyText(await taken), jid);
  t.equal(await house.bouncer.metric('stray_jobs_total{fate="taken_over_same_worker"}'), 1);
});

t.test('else to one of any worker that listens on its queue', async (t) => {
  const house = await openPooledHeld(t);
  const gone = await house.connect({ wid: 'w1' });
  const other = await house.connect({ wid: 'w2' });
  await leaveInFetch(house, gone, 'end');
  const taken = other.command('FETCH q');
  await until(() => house.faktory.jobs.blockedFetches === 2, { what: 'both FETCHes' });
  const { jid, line } = pushLine({ queue: 'q' });
  await (await house.connect()).command(line);
  t.match(replyText(await taken), jid);
  t.same(await other.command(`ACK {"jid":"${jid}"}`), ok, 'ACK goes by jid alone');
  t.same(house.faktory.jobs.acknowledged, [jid]);
  t.equal(await house.bouncer.metric('stray_jobs_total{fate="taken_over_other_worker"}'), 1);
});

t.test('else to one that comes within pool.hold', async (t) => {
  const house = await openPooledHeld(t);
  await leaveInFetch(house, await house.connect({ wid: 'w1' }), 'reset');
  const { jid, line } = pushLine({ queue: 'q' });
  await (await house.connect()).command(line);
  await until(() => house.bouncer.snapshot().strayJobs === 1, { what: 'the job to be held' });
  const late = await house.connect({ wid: 'w2' });
  t.match(replyText(await late.command('FETCH other q')), jid);
  t.equal(house.bouncer.snapshot().strayJobs, 0);
});

for (const [retry, fate] of [
  [25, 'retry'],
  [0, 'discarded'],
  [-1, 'dead'],
] as const) {
  t.test(`else it is given back: retry ${retry} counts as ${fate}`, async (t) => {
    const house = await openPooledHeld(t);
    await leaveInFetch(house, await house.connect({ wid: 'w1' }), 'reset');
    const { jid, line } = pushLine({ queue: 'q', retry });
    await (await house.connect()).command(line);
    await house.bouncer.metricIs('stray_jobs', 1);
    house.clock.advance(HOLD_MS);
    await house.bouncer.metricIs(`stray_jobs_total{fate="given_back_${fate}"}`, 1);
    t.same(house.faktory.jobs.failed, [{ jid, fate, errtype: 'ClientGone' }]);
    t.teardown(house.clock.run());
    await house.bouncer.drain();
  });
}

t.test('one that is given back counts until Faktory has answered that', async (t) => {
  const house = await openPooledHeld(t);
  await leaveInFetch(house, await house.connect({ wid: 'w1' }), 'reset');
  await (await house.connect()).command(pushLine({ queue: 'q' }).line);
  await house.bouncer.metricIs('stray_jobs', 1);
  const lift = house.faktory.inject({ kind: 'stall' }, { on: 'FAIL' });
  house.clock.advance(HOLD_MS);
  await house.faktory.waitFor((f) => f.lines('FAIL').length === 1, 'the FAIL');
  t.equal(await house.bouncer.metric('stray_jobs'), 1);
  lift();
  await house.bouncer.metricIs('stray_jobs', 0);
});

t.test(
  'a worker needs one place, however many clients it has; over the cap it waits',
  async (t) => {
    const { clock, faktory, bouncer, connect } = await openPooledHeld(t, {
      'pool.command_connections': 1,
      'limits.server_connections': 3,
      'limits.producer_reserve': 0,
      'waiting_line.timeout': '1s',
    });
    const clients = [await connect({ wid: 'w1' }), await connect({ wid: 'w1' })];
    t.same(bouncer.snapshot().placesTaken, { producer: 2, worker: 1 });
    const refused = await connect({ wid: 'w2' });
    t.same(refused.helloReply, ok, 'what it does decides');
    const waits = refused.command('BEAT {"wid":"w2"}');
    await waitingAre(bouncer, 'worker', 1);
    t.same((await connect()).helloReply, ok, 'a producer needs no place');
    clock.advance(1000);
    t.match(replyText(await waits), /^-ERR too many connections: 3 \(limit 3, /);
    t.equal(await refused.readUntilClose(), '');
    const next = await connect({ wid: 'w2' });
    const beat = next.command('BEAT {"wid":"w2"}');
    await waitingAre(bouncer, 'worker', 1);
    for (const client of clients) client.end();
    t.same(await beat, ok, 'n again once one has left');
    t.equal(faktory.maxConnections, 3);
    t.same(bouncer.snapshot().placesTaken, { producer: 2, worker: 1 });
    next.end();
    await until(() => bouncer.snapshot().placesTaken.worker === 0, {
      what: 'the place to be free',
    });
  },
);
