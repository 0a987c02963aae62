// What public clients of Faktory Enterprise use, in both modes, on a stand-in that answers as they
// expect: error codes, unique jobs, batches, tracking, throttles, a licence's connections.

import t, { type Test } from 'tap';
import type { Clock } from '../../src/base/clock.ts';
import { type Overrides, type RunningBouncer, startBouncer } from '../support/bouncer.ts';
import { requireGoClients, runGoClient } from '../support/go-client.ts';
import type { RawClient } from '../support/raw-client.ts';
import { nil, ok, type Reply, replyText } from '../support/reply.ts';
import type { EnterpriseOptions, Problem } from '../support/stand-in-enterprise.ts';
import { StandInFaktory } from '../support/stand-in-faktory.ts';
import { StillClock } from '../support/still-clock.ts';
import { until } from '../support/waiting.ts';
import { MODES } from './house.ts';

interface House {
  readonly faktory: StandInFaktory;
  readonly bouncer: RunningBouncer;
  connect(wid?: string): Promise<RawClient>;
}

interface HouseOptions {
  readonly enterprise?: EnterpriseOptions;
  readonly overrides?: Overrides;
  readonly fetchBlockMs?: number;
  /** Default: the machine's. */
  readonly clock?: Clock;
}

async function open(
  t: Test,
  mode: (typeof MODES)[number],
  { enterprise = {}, overrides = {}, fetchBlockMs = 2000, clock }: HouseOptions = {},
): Promise<House> {
  const faktory = await StandInFaktory.start({ enterprise, fetchBlockMs });
  t.teardown(() => faktory.stop());
  const bouncer = await startBouncer(t, {
    port: faktory.port,
    overrides: { mode, 'writes.probe_interval': '1h', ...overrides },
    ...(clock !== undefined && { clock }),
  });
  await bouncer.isUp();
  const connect = async (wid?: string): Promise<RawClient> => {
    const client = await bouncer.connect(wid === undefined ? {} : { wid });
    t.teardown(() => client.reset());
    return client;
  };
  return { faktory, bouncer, connect };
}

const bulk = (text: string): Reply => ({ kind: 'bulk', text });

let jobs = 0;

function jobLine(fields: object = {}): { readonly jid: string; readonly line: string } {
  jobs += 1;
  const jid = `enterprise-${jobs}`;
  return { jid, line: `PUSH ${JSON.stringify({ jid, jobtype: 'count', args: [], ...fields })}` };
}

function newBatch(callback: 'success' | 'complete'): string {
  jobs += 1;
  const job = { jid: `callback-${jobs}`, jobtype: 'done', args: [], queue: 'callbacks' };
  return `BATCH NEW ${JSON.stringify({ [callback]: job })}`;
}

/** Whether the command lane has so many commands. */
async function holds(bouncer: RunningBouncer, commands: number): Promise<boolean> {
  const metrics = await bouncer.metrics();
  const count = (name: string): number => metrics.get(`command_lane_${name}`) ?? 0;
  return count('waiting') + count('outstanding') === commands;
}

/** A middleware that refuses what asks for it. */
function refuseAsAsked({ custom }: { readonly [field: string]: unknown }): Problem | undefined {
  return (custom as { readonly refuse?: Problem } | undefined)?.refuse;
}

const REFUSALS: readonly Problem[] = [
  { code: 'NOTUNIQUE', text: 'Job not unique' },
  { code: 'DENIED', text: 'push denied' },
  { code: 'QUOTA_2', text: 'tenant "7" has 100 % of <its> jobs & more' },
  { code: 'X', text: 'Größe überschritten' },
  { code: 'ERR', text: 'no such tenant' },
];
const PUSHERS = 50;
const ROUNDS = 6;

for (const mode of MODES) {
  t.test(`${mode}: every error code of a PUSH reaches its own client as it is`, async (t) => {
    // PUSHes travel together only while they take no time.
    const clock = new StillClock();
    const { faktory, bouncer, connect } = await open(t, mode, {
      enterprise: { onPush: refuseAsAsked },
      overrides: { 'pool.command_connections': 1 },
      clock,
    });
    const clients = await Promise.all(Array.from({ length: PUSHERS }, () => connect()));
    const expected = clients.map((client) => client.heard);
    for (let round = 0; round < ROUNDS; round += 1) {
      const lift = faktory.inject({ kind: 'stall' }, { on: 'PUSH' });
      const replies = clients.map((client, n) => {
        const refuse = (n + round) % 2 === 0 ? REFUSALS[(n + round) % REFUSALS.length] : undefined;
        expected[n] += refuse === undefined ? '+OK\r\n' : `-${refuse.code} ${refuse.text}\r\n`;
        return client.command(jobLine(refuse && { custom: { refuse } }).line);
      });
      if (mode === 'pooled') await until(() => holds(bouncer, PUSHERS), { what: 'all PUSHes' });
      lift();
      await Promise.all(replies);
    }
    t.same(
      clients.map((client) => client.heard),
      expected,
    );
    if (mode === 'pooled') t.ok((await bouncer.metric('bulk_pushes_total')) > 0, 'some in a PUSHB');
    t.equal(await bouncer.metric('bugs_total'), 0);
  });

  t.test(`${mode}: an error code of a FETCH reaches the client that waits`, async (t) => {
    const refuse = { code: 'DENIED', text: 'fetch denied' };
    const { connect } = await open(t, mode, { enterprise: { onFetch: refuseAsAsked } });
    const [worker, producer] = [await connect('worker-1'), await connect()];
    const before = worker.heard;
    const fetched = worker.command('FETCH default');
    t.same(await producer.command(jobLine({ custom: { refuse } }).line), ok);
    await fetched;
    t.equal(worker.heard, `${before}-DENIED fetch denied\r\n`);
    const { jid, line } = jobLine();
    t.same(await producer.command(line), ok);
    t.match(replyText(await worker.command('FETCH default')), jid);
  });

  t.test(`${mode}: of one unique job that many push, one is stored`, async (t) => {
    const { faktory, connect } = await open(t, mode);
    const clients = await Promise.all(Array.from({ length: PUSHERS }, () => connect()));
    const line = (): string => jobLine({ args: [7], custom: { unique_for: 600 } }).line;
    const replies = await Promise.all(clients.map((client) => client.command(line())));
    const stored = replies.filter((reply) => reply.kind === 'status');
    const refused = replies.filter((reply) => reply.kind === 'error');
    t.equal(stored.length, 1);
    t.same(new Set(refused.map(({ text }) => text)), new Set(['NOTUNIQUE Job not unique']));
    t.equal(faktory.jobs.queued('default').length, 1);
    const worker = await connect('worker-1');
    const job = JSON.parse(replyText(await worker.command('FETCH default')) ?? '') as object;
    t.same(
      await worker.command(`ACK ${JSON.stringify({ jid: (job as { jid: string }).jid })}`),
      ok,
    );
    t.same(await worker.command(line()), ok, 'once it is done the next one is stored');
  });

  t.test(`${mode}: the verbs of a batch are executed in the order of its client`, async (t) => {
    const { faktory, connect } = await open(t, mode);
    faktory.inject({ kind: 'delay', delayMs: 20 }, { on: 'PUSH' });
    const makers = await Promise.all(Array.from({ length: 8 }, () => connect()));
    await Promise.all(
      makers.map(async (maker) => {
        const bid = replyText(await maker.command(newBatch('success')));
        const members = [1, 2, 3].map(() => jobLine({ custom: { bid } }));
        const rest = [`BATCH COMMIT ${bid}`, `BATCH STATUS ${bid}`];
        const lines = [...members.map(({ line }) => line), ...rest];
        maker.send(lines.map((line) => `${line}\r\n`).join(''));
        for (let n = 0; n < 4; n += 1) t.same(await maker.readReply(), ok);
        t.match(JSON.parse(replyText(await maker.readReply()) ?? ''), {
          bid,
          total: 3,
          pending: 3,
        });
        // A PUSH may have come as part of a PUSHB: it is known by its jid.
        const came = [...members.map(({ jid }) => `"${jid}"`), ...rest].map((words) =>
          faktory.received.findIndex(({ line }) => line.includes(words)),
        );
        t.same(
          came,
          [...new Set(came)].toSorted((a, b) => a - b),
        );
      }),
    );
  });

  t.test(`${mode}: a worker opens its batch again, and commits it before its ACK`, async (t) => {
    const { connect } = await open(t, mode);
    const maker = await connect();
    const bid = replyText(await maker.command(newBatch('success')));
    t.same(await maker.command(jobLine({ custom: { bid } }).line), ok);
    t.same(await maker.command(`BATCH COMMIT ${bid}`), ok);
    const worker = await connect('worker-1');
    const job = JSON.parse(replyText(await worker.command('FETCH default')) ?? '') as {
      readonly jid: string;
    };
    // A worker's threads take any connection of its pool.
    const other = await connect('worker-1');
    t.same(await other.command(`BATCH OPEN ${bid}`), bulk(bid ?? ''));
    t.same(await worker.command(jobLine({ custom: { bid } }).line), ok);
    t.same(await other.command(`BATCH COMMIT ${bid}`), ok);
    t.same(await worker.command(`ACK {"jid":"${job.jid}"}`), ok);
    const status = JSON.parse(replyText(await maker.command(`BATCH STATUS ${bid}`)) ?? '');
    t.match(status, { total: 2, pending: 1, success_st: '' });
    const last = JSON.parse(replyText(await other.command('FETCH default')) ?? '') as typeof job;
    t.same(await other.command(`ACK {"jid":"${last.jid}"}`), ok);
    t.match(replyText(await worker.command('FETCH callbacks')), 'callback-');
    t.same(await maker.command('BATCH STATUS b-none'), {
      kind: 'error',
      text: 'ERR no such batch b-none',
    });
  });

  t.test(`${mode}: TRACK is answered while slow verbs of others are not`, async (t) => {
    const { faktory, connect } = await open(t, mode);
    const tracker = await connect('worker-1');
    const { jid, line } = jobLine({ custom: { track: 1 } });
    t.same(await tracker.command(line), ok);
    const lift = faktory.inject({ kind: 'stall' }, { on: 'MUTATE' });
    const others = await Promise.all(Array.from({ length: 30 }, () => connect()));
    const slow = others.map((other) => other.command('MUTATE {"cmd":"requeue","target":"dead"}'));
    const atFaktory = (): boolean => faktory.lines('MUTATE').length >= (mode === 'pooled' ? 7 : 30);
    await faktory.waitFor(atFaktory, 'slow verbs at Faktory');
    const update = { jid, percent: 40, desc: 'half way' };
    t.same(await tracker.command(`TRACK SET ${JSON.stringify(update)}`), ok);
    const track = JSON.parse(replyText(await tracker.command(`TRACK GET ${jid}`)) ?? '');
    t.match(track, { ...update, state: 'enqueued' });
    lift();
    for (const reply of await Promise.all(slow)) t.same(reply, ok);
  });

  t.test(`${mode}: no throttle is exceeded, and each job of its queue is done`, async (t) => {
    const throttles = { scraping: { concurrency: 2 }, bulk: { worker: 1 } };
    const { faktory, connect } = await open(t, mode, { enterprise: { throttles } });
    const producer = await connect();
    for (const queue of ['scraping', 'bulk']) {
      for (let n = 0; n < 10; n += 1) t.same(await producer.command(jobLine({ queue }).line), ok);
    }
    const work = async (wid: string): Promise<void> => {
      const client = await connect(wid);
      while (faktory.jobs.acknowledged.length < 20) {
        const reply = await client.command('FETCH scraping bulk');
        const text = replyText(reply);
        if (text === null || text === undefined) continue;
        const { jid } = JSON.parse(text) as { readonly jid: string };
        t.same(await client.command(`ACK {"jid":"${jid}"}`), ok);
      }
    };
    const wids = ['worker-1', 'worker-1', 'worker-1', 'worker-2', 'worker-2', 'worker-2'];
    await Promise.all(wids.map((wid) => work(wid)));
    t.ok(faktory.enterprise !== undefined && faktory.enterprise.mostAtWork('scraping') <= 2);
    t.ok(faktory.enterprise !== undefined && faktory.enterprise.mostAtWork('bulk') <= 2);
    t.equal(new Set(faktory.jobs.acknowledged).size, 20);
  });

  t.test(`${mode}: a throttle that is full reads as an empty queue`, async (t) => {
    const { connect } = await open(t, mode, {
      enterprise: { throttles: { scraping: { concurrency: 1 } } },
    });
    const [producer, worker] = [await connect(), await connect('worker-1')];
    for (let n = 0; n < 2; n += 1) await producer.command(jobLine({ queue: 'scraping' }).line);
    const first = JSON.parse(replyText(await worker.command('FETCH scraping')) ?? '') as {
      readonly jid: string;
    };
    t.same(await worker.command('FETCH scraping'), nil);
    t.same(await worker.command(`ACK {"jid":"${first.jid}"}`), ok);
    // A FETCH that began while it was full finds nothing to its end.
    let next: string | null = null;
    while (next === null) next = replyText(await worker.command('FETCH scraping'));
    t.match(next, 'scraping');
  });

  t.test(
    `${mode}: where Faktory says nil at once, so does the bouncer, once for each`,
    async (t) => {
      // Enterprise may answer so for a throttle that is full: its clients then decide when they ask again.
      const { faktory, connect } = await open(t, mode, { fetchBlockMs: 0 });
      const clients = await Promise.all([1, 2, 3].map(() => connect('worker-1')));
      for (let round = 0; round < 3; round += 1) {
        const replies = clients.map((client) => client.command('FETCH default'));
        for (const reply of await Promise.all(replies)) t.same(reply, nil);
      }
      t.ok(faktory.lines('FETCH').length <= 3 * clients.length, `${faktory.lines('FETCH').length}`);
    },
  );

  t.test(`${mode}: no more connections than a licence has`, async (t) => {
    const licensed = 20;
    const overrides = { 'limits.server_connections': licensed, 'limits.producer_reserve': 18 };
    const { faktory, connect } = await open(t, mode, { overrides });
    const clients = await Promise.all(Array.from({ length: 15 }, () => connect()));
    const replies = await Promise.all(clients.map((client) => client.command(jobLine().line)));
    t.same(new Set(replies.map(({ kind }) => kind)), new Set(['status']));
    t.ok(faktory.maxConnections <= licensed, `${faktory.maxConnections}`);
  });

  t.test(`${mode}: the Go client's batch, tracking and unique jobs`, async (t) => {
    if (!requireGoClients(t)) return;
    const { bouncer } = await open(t, mode);
    const place = { host: '127.0.0.1', port: bouncer.port, password: '' };
    const { stdout } = await runGoClient('enterprise', place, []);
    t.match(JSON.parse(stdout), {
      batch: { total: 2, pending: 2, description: 'two jobs' },
      reopened: { total: 3 },
      track: { state: 'working', percent: 40, desc: 'half way' },
      unique: 'NOTUNIQUE Job not unique',
      bulk: ['NOTUNIQUE Job not unique'],
    });
  });
}
