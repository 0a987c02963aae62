// A paused bouncer: nothing is sent to Faktory, and commands wait as in an outage.

import t, { type Test } from 'tap';
import { openPooledHeld } from './pooled/support/house.ts';
import { type HeldHouse, openHeld, pushLine } from './session/house.ts';
import type { Overrides } from './support/bouncer.ts';
import { nil, ok, replyText } from './support/reply.ts';
import { stall } from './support/toxics.ts';
import { until } from './support/waiting.ts';

const UNREACHABLE = '-ERR Faktory is unreachable; try again later';
/** How long a FETCH may wait for its answer. */
const FETCH_MS = 2000;
const MODES = ['session', 'pooled'] as const;

function open(
  t: Test,
  mode: (typeof MODES)[number],
  overrides: Overrides = {},
): Promise<HeldHouse> {
  return mode === 'session' ? openHeld(t, overrides) : openPooledHeld(t, overrides);
}

for (const mode of MODES) {
  t.test(`${mode}: commands wait in order and are sent at the end, each once`, async (t) => {
    const { faktory, bouncer, connect } = await open(t, mode);
    const clients = [await connect(), await connect({ wid: 'w' })];
    t.notOk(bouncer.bouncer.isPaused);
    bouncer.bouncer.pause();
    bouncer.bouncer.pause();
    t.equal(await bouncer.metric('paused'), 1);
    const before = faktory.received.length;
    const pushes = clients.map(() => pushLine());
    const replies = clients.map((client, i) => client.command(pushes[i]?.line ?? ''));
    const beat = clients[1]?.command('BEAT {"wid":"w"}');
    const info = clients[0]?.command('INFO');
    await until(() => bouncer.snapshot().commandLane.waiting === 2, { what: 'both to wait' });
    const [late] = [await connect()];
    t.same(late?.helloReply, ok, 'clients are let in');
    const sent = faktory.received.slice(before).filter(({ line }) => !line.startsWith('HELLO'));
    t.same(sent, []);
    bouncer.bouncer.resume();
    t.same(await Promise.all(replies), [ok, ok]);
    t.same(await beat, ok);
    t.equal((await info)?.kind, 'bulk');
    t.equal(faktory.jobs.queued('default').length, 2);
    t.notOk(bouncer.snapshot().paused);
  });

  t.test(`${mode}: at the end of outage_wait it is as in an outage`, async (t) => {
    const overrides = { 'pool.outage_wait': '500ms' };
    const { clock, faktory, bouncer, connect } = await open(t, mode, overrides);
    const client = await connect();
    bouncer.bouncer.pause();
    const refused = client.command(pushLine().line);
    await until(() => bouncer.snapshot().commandLane.waiting === 1, { what: 'it to wait' });
    clock.advance(600);
    t.equal(replyText(await refused), UNREACHABLE);
    t.same(faktory.lines('PUSH'), []);
    bouncer.bouncer.resume();
    t.same(await client.command(pushLine().line), ok, 'the connection is of use');
  });

  t.test(`${mode}: what is at Faktory is answered, and FETCHes get nil in time`, async (t) => {
    const house = await open(t, mode, { observe_only: true });
    const { clock, faktory, bouncer, connect } = house;
    const lift = faktory.inject(stall, { on: 'PUSH' });
    const producer = await connect();
    const pushed = producer.command(pushLine({ queue: 'other' }).line);
    await faktory.waitFor((f) => f.lines('PUSH').length === 1);
    bouncer.bouncer.pause();
    const worker = await connect({ wid: 'w' });
    const fetched = worker.command('FETCH default');
    await bouncer.metricIs('fetches_waiting', 1);
    lift();
    t.same(await pushed, ok);
    clock.advance(FETCH_MS);
    t.same(await fetched, nil);
    t.same(faktory.lines('FETCH'), []);
    bouncer.bouncer.resume();
    t.same(await producer.command(pushLine().line), ok);
    t.equal((await worker.command('FETCH default')).kind, 'bulk');
  });

  t.test(`${mode}: the bouncer asks for nothing itself, and a drain ends the pause`, async (t) => {
    const { clock, faktory, bouncer, connect } = await open(t, mode, {
      'server.info_interval': '100ms',
      drain_timeout: '1h',
    });
    const answers = 'info_answers_total{outcome="read"}';
    await bouncer.metricIs(answers, 1);
    clock.advance(100);
    await bouncer.metricIs(answers, 2);
    const client = await connect();
    // Time has stood since the last INFO was asked for: none is on its way.
    bouncer.bouncer.pause();
    t.equal(faktory.lines('INFO').length, 2);
    t.teardown(clock.run());
    const pushed = client.command(pushLine().line);
    await until(() => bouncer.snapshot().faktory.info === null, { what: 'INFO to be too old' });
    t.equal(faktory.lines('INFO').length, 2, 'none since');
    const drained = bouncer.drain();
    t.same(await pushed, ok);
    await drained;
  });
}

t.test(
  'session: pipelined commands that have waited outage_wait are refused at once',
  async (t) => {
    const overrides = { 'pool.outage_wait': '500ms' };
    const { clock, faktory, bouncer, connect } = await open(t, 'session', overrides);
    const client = await connect();
    bouncer.bouncer.pause();
    const replies = [1, 2, 3].map(() => client.command(pushLine().line));
    await until(() => bouncer.snapshot().commandLane.waiting > 0, { what: 'them to wait' });
    clock.advance(600);
    await replies[0];
    bouncer.bouncer.resume();
    const texts = (await Promise.all(replies)).map((reply) => replyText(reply));
    t.same(texts, [UNREACHABLE, UNREACHABLE, UNREACHABLE]);
    t.same(faktory.lines('PUSH'), []);
  },
);

t.test('pooled: a restart of Faktory within a pause costs no client anything', async (t) => {
  const { clock, faktory, bouncer, connect } = await openPooledHeld(t);
  const [producer, worker] = [await connect(), await connect({ wid: 'w' })];
  t.same(await worker.command('BEAT {"wid":"w"}'), ok);
  bouncer.bouncer.pause();
  const pushed = producer.command(pushLine().line);
  const beat = worker.command('BEAT {"wid":"w"}');
  await until(() => bouncer.snapshot().commandLane.waiting === 2, { what: 'both to wait' });
  await faktory.stop();
  await until(() => !bouncer.snapshot().faktory.up, { what: 'the outage to be seen' });
  await faktory.start();
  // The next dial has its time.
  const stand = clock.run();
  await bouncer.isUp().finally(stand);
  t.same(faktory.lines('PUSH'), []);
  bouncer.bouncer.resume();
  t.same(await Promise.all([pushed, beat]), [ok, ok]);
});
