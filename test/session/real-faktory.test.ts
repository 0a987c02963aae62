// The bouncer before the real Faktory: lines that crash it, workers that die in FETCH, its own
// death and return, and an overload.

import t, { type Test } from 'tap';
import { type Overrides, type RunningBouncer, startBouncer } from '../support/bouncer.ts';
import { RawClient } from '../support/raw-client.ts';
import { RealFaktory, requireFaktory } from '../support/real-faktory.ts';
import { nil, ok } from '../support/reply.ts';
import { until } from '../support/waiting.ts';
import { pushLine } from './house.ts';

/** 300 logins with a password are some seconds of CPU; more is a client that is not served at all. */
const SERVED_MS = 120_000;

interface RealHouse {
  readonly faktory: RealFaktory;
  readonly bouncer: RunningBouncer;
  readonly connect: (wid?: string) => Promise<RawClient>;
}

async function openRealHouse(t: Test, overrides: Overrides = {}): Promise<RealHouse> {
  const password = 'sésame';
  const faktory = await RealFaktory.start({ password });
  t.teardown(() => faktory.stop());
  t.comment(`Faktory ${faktory.version}`);
  const bouncer = await startBouncer(t, { port: faktory.port, overrides, password });
  await bouncer.isUp();
  return {
    faktory,
    bouncer,
    connect: async (wid) => {
      const client = await bouncer.connect({
        boundMs: SERVED_MS,
        password,
        ...(wid !== undefined && { wid }),
      });
      t.teardown(() => client.reset());
      return client;
    },
  };
}

interface Info {
  readonly faktory: {
    readonly total_enqueued: number;
    readonly tasks: {
      readonly Busy: { readonly size: number };
      readonly Retries: { readonly size: number };
    };
  };
  readonly server: { readonly connections: number };
}

async function infoOf(client: RawClient): Promise<Info> {
  const reply = await client.command('INFO');
  if (reply.kind !== 'bulk' || reply.text === null) throw new Error('Cannot read INFO');
  return JSON.parse(reply.text) as Info;
}

const missing = requireFaktory(t) === undefined;

t.test('lines that crash Faktory leave it alive', { skip: missing }, async (t) => {
  const { faktory, connect } = await openRealHouse(t);
  const client = await connect('w');
  for (const line of ['PUSH', 'PUSHB', 'ACK', 'FAIL', 'BEAT', 'QUEUE', 'QUEUE PAUSE', 'QUEUE *']) {
    t.match(await client.command(line), { kind: 'error' }, line);
  }
  t.same(await client.command(pushLine().line), ok);
  t.equal((await infoOf(client)).faktory.total_enqueued, 1);
  t.equal(await faktory.causeOfDeath(), null);
});

/** 100 workers die in FETCH. Resolves with true if their FETCHes are at Faktory still: it ends them after 2 s. */
async function dieInFetch({ bouncer, connect }: RealHouse): Promise<boolean> {
  const dying = await Promise.all(Array.from({ length: 100 }, (_, i) => connect(`dying${i % 5}`)));
  for (const client of dying) client.send('FETCH default\r\n');
  // Looked at from here, since a scrape would take its time.
  const hasEnded = (client: RawClient): boolean => client.heard.endsWith('$-1\r\n');
  const areInFetch = (): boolean => bouncer.snapshot().fetches.inFlight === 100;
  await until(() => areInFetch() || dying.some(hasEnded), { what: '100 FETCHes' });
  const wereInFetch = areInFetch();
  dying.forEach((client, i) => (i % 2 === 0 ? client.reset() : client.end()));
  await until(() => bouncer.snapshot().clients.worker.open === 0, { what: 'all to be dead' });
  return wereInFetch && bouncer.snapshot().servers.session.orphaned > 0;
}

t.test('100 workers that die in FETCH leave no job reserved', { skip: missing }, async (t) => {
  const house = await openRealHouse(t, { 'pool.hold': '500ms' });
  const { bouncer, connect } = house;
  const producer = await connect();
  // Others die where a busy machine has let the test stand for longer than a FETCH takes.
  await until(() => dieInFetch(house), { what: '100 to die in FETCH', withinMs: SERVED_MS });
  const pushed = new Set<string>();
  for (let i = 0; i < 100; i += 1) {
    const { jid, line } = pushLine();
    pushed.add(jid);
    producer.send(`${line}\r\n`);
  }
  for (let i = 0; i < 100; i += 1) t.same(await producer.readReply(), ok);
  const done = new Set<string>();
  const work = async (client: RawClient): Promise<void> => {
    for (;;) {
      const reply = await client.command('FETCH default');
      if (reply.kind !== 'bulk' || reply.text === null) {
        // A busy machine may let the 2 s of a FETCH pass while there are jobs.
        if ((await infoOf(producer)).faktory.total_enqueued === 0) return;
        continue;
      }
      const { jid } = JSON.parse(reply.text) as { jid: string };
      t.notOk(done.has(jid), 'each job once');
      done.add(jid);
      t.same(await client.command(`ACK {"jid":"${jid}"}`), ok);
    }
  };
  const workers = await Promise.all(['a', 'b', 'c', 'd'].map((wid) => connect(wid)));
  await Promise.all(workers.map(work));
  const info = await until(
    async () => {
      const now = await infoOf(producer);
      return now.faktory.tasks.Busy.size === 0 && bouncer.snapshot().strayJobs === 0 && now;
    },
    { what: 'no reservation to be left' },
  );
  // Faktory queues a job that was given back again after some 15 s.
  const left = info.faktory.tasks.Retries.size + info.faktory.total_enqueued;
  t.equal(done.size + left, 100, 'each was done or given back');
  for (const client of [producer, ...workers]) client.end();
  await bouncer.gaugesAreZero();
});

t.test('kill -9 of Faktory and its return need no restart', { skip: missing }, async (t) => {
  const overrides = { 'waiting_line.timeout': '1m' };
  const { faktory, bouncer, connect } = await openRealHouse(t, overrides);
  const worker = await connect('w');
  const before = [worker, await connect(), await connect('w')];
  // Again and again, since Faktory ends each after 2 s.
  const fetching = (async () => {
    for (;;) t.same(await worker.command('FETCH default'), nil);
  })();
  const lost = t.rejects(fetching, /connection closed/, 'the FETCH ends with Faktory');
  await until(() => bouncer.snapshot().fetches.inFlight === 1, { what: 'the FETCH' });
  await faktory.kill();
  await lost;
  for (const client of before) t.equal(await client.readUntilClose(), '');
  await bouncer.metricIs('faktory_up', 0);
  const waiting = Promise.all(Array.from({ length: 10 }, () => connect()));
  await faktory.startAgain();
  for (const client of await waiting) t.same(await client.command(pushLine().line), ok);
  await bouncer.metricIs('faktory_up', 1);
  for (const client of await waiting) client.end();
  await bouncer.gaugesAreZero();
});

t.test(
  '300 clients at a cap of 50: Faktory never has more than 50',
  { skip: missing },
  async (t) => {
    const cap = 50;
    const { faktory, bouncer, connect } = await openRealHouse(t, {
      'limits.server_connections': cap - 1,
      'limits.producer_reserve': 10,
      'waiting_line.timeout': '1m',
    });
    // Past the bouncer, and so the 50th.
    const watch = await RawClient.connect({ port: faktory.port, password: 'sésame' });
    t.teardown(() => watch.reset());
    let most = 0;
    let finished = 0;
    const full = Promise.withResolvers<void>();
    const clientLife = async (i: number): Promise<void> => {
      const client = await connect(i % 3 === 0 ? undefined : `w${i % 7}`);
      t.same(client.helloReply, ok);
      t.same(await client.command(pushLine({ queue: 'overload' }).line), ok);
      // Nobody leaves before Faktory was seen full: what comes in later can only pass the cap.
      await until(() => most >= cap - 5, { what: 'the cap to be reached', withinMs: SERVED_MS });
      if (i % 2 === 0) client.end();
      else client.reset();
      await client.closed;
      finished += 1;
    };
    const lives = Promise.all(Array.from({ length: 300 }, (_, i) => clientLife(i)));
    await until(
      async () => {
        most = Math.max(most, (await infoOf(watch)).server.connections);
        if (most >= cap) full.resolve();
        return finished === 300;
      },
      { what: '300 clients to be served', withinMs: SERVED_MS },
    );
    await lives;
    t.ok(most <= cap, `${most} connections at most`);
    t.equal((await infoOf(watch)).faktory.total_enqueued, 300);
    await bouncer.gaugesAreZero();
  },
);
