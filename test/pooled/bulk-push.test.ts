// Several clients' PUSHes as one PUSHB: each reads what it would have read alone, and whoever sends
// what Faktory cannot read harms only itself.

import t, { type Test } from 'tap';
import { type House, pushLine } from '../session/house.ts';
import type { RawClient } from '../support/raw-client.ts';
import { RealFaktory, requireFaktory } from '../support/real-faktory.ts';
import { type RunningBouncer, startBouncer } from '../support/bouncer.ts';
import { ok, replyText } from '../support/reply.ts';
import { StillClock } from '../support/still-clock.ts';
import { instead, reset, shutdown, stall, type Toxic } from '../support/toxics.ts';
import { until } from '../support/waiting.ts';
import { openPooled } from './support/house.ts';
import { isMeasured } from './support/measured.ts';

const missing = requireFaktory(t) === undefined;

/** What a client reads whose connection is closed in place of a reply. */
const CLOSED = 'closed';

/**
 * One command connection, so that what comes while it is busy travels together; and no time passes, since
 * PUSHes do not travel together where Faktory seems slow.
 */
async function open(t: Test, overrides: Record<string, boolean> = {}): Promise<House> {
  const house = await openPooled(
    t,
    {
      'pool.command_connections': 1,
      'pool.bulk_push': true,
      'pool.outage_wait': '30s',
      ...overrides,
    },
    {},
    new StillClock(),
  );
  await isMeasured(house.bouncer);
  return house;
}

function isStored({ faktory }: House, jid: string): boolean {
  return faktory.jobs.queued('default').some((job) => job.jid === jid);
}

/** Sends each line from a client of its own, so that all but the first wait for each other. */
async function together(
  house: House,
  lines: readonly string[],
  toxic: Toxic | null = null,
): Promise<{ readonly clients: RawClient[]; readonly replies: Promise<string | null>[] }> {
  const { faktory, bouncer, connect } = house;
  const first = await connect();
  const lift = faktory.inject(stall, { on: 'PUSH', times: 1 });
  const before = faktory.lines('PUSH').length;
  const blocked = first.command(pushLine().line);
  await faktory.waitFor((f) => f.lines('PUSH').length > before, 'a PUSH to be on its way');
  const clients = await Promise.all(lines.map(() => connect()));
  const replies = clients.map((client, i) =>
    client.command(lines[i] ?? '').then(replyText, () => CLOSED),
  );
  await until(() => bouncer.snapshot().commandLane.waiting === lines.length, { what: 'waiting' });
  if (toxic !== null) faktory.inject(toxic, { on: 'PUSHB', times: 1 });
  lift();
  await blocked;
  return { clients, replies };
}

/** The same in front of the real Faktory. */
async function openReal(
  t: Test,
  size: number,
): Promise<{ readonly bouncer: RunningBouncer; readonly clients: RawClient[] }> {
  const faktory = await RealFaktory.start();
  t.teardown(() => faktory.stop());
  const overrides = { mode: 'pooled', 'pool.command_connections': 1, 'pool.bulk_push': true };
  const bouncer = await startBouncer(t, { port: faktory.port, overrides, clock: new StillClock() });
  await bouncer.isUp();
  await isMeasured(bouncer);
  return {
    bouncer,
    clients: await Promise.all(Array.from({ length: size }, () => bouncer.connect())),
  };
}

t.test('PUSHes that wait go as one PUSHB, and each client reads +OK', async (t) => {
  const house = await open(t);
  const pushes = Array.from({ length: 5 }, () => pushLine());
  const { replies } = await together(
    house,
    pushes.map(({ line }) => line),
  );
  t.same(await Promise.all(replies), Array(5).fill('+OK'));
  t.equal(house.faktory.lines('PUSHB').length, 1);
  for (const { jid } of pushes) t.ok(isStored(house, jid), jid);
});

t.test('without pool.bulk_push each PUSH goes by itself', async (t) => {
  const house = await open(t, { 'pool.bulk_push': false });
  const client = await house.connect();
  const others = await Promise.all([1, 2, 3].map(() => house.connect()));
  const all = [client, ...others].map((one) => one.command(pushLine().line));
  for (const reply of all) t.same(await reply, ok);
  t.equal(house.faktory.lines('PUSHB').length, 0);
});

t.test('a job that Faktory refuses is refused to its client alone', async (t) => {
  const house = await open(t);
  const short = pushLine({ jid: 'short' }).line;
  const noType = pushLine({ jobtype: '' }).line;
  const lines = [pushLine().line, short, noType, short, pushLine().line];
  const { replies } = await together(house, lines);
  t.same(await Promise.all(replies), [
    '+OK',
    '-ERR jobs must have a reasonable jid parameter',
    '-ERR jobs must have a jobtype parameter',
    '-ERR jobs must have a reasonable jid parameter',
    '+OK',
  ]);
  t.equal(house.faktory.lines('PUSHB').length, 1);
});

t.test('two jobs with one jid never share a PUSHB, and each reads its own reply', async (t) => {
  const house = await open(t);
  const { jid, line } = pushLine();
  const bad = pushLine({ jid, jobtype: '' }).line;
  const { replies } = await together(house, [pushLine().line, line, bad, pushLine().line]);
  t.same(await Promise.all(replies), [
    '+OK',
    '+OK',
    '-ERR jobs must have a jobtype parameter',
    '+OK',
  ]);
  t.ok(isStored(house, jid));
  const bulks = house.faktory.lines('PUSHB');
  t.ok(bulks.length > 0);
  for (const bulk of bulks) t.equal(bulk.split(jid).length - 1, 1, bulk);
});

t.test('a PUSH whose jid cannot be told from others travels alone', async (t) => {
  const house = await open(t);
  const odd = ['odd-\\ud800-jid', 'odd-\ufffd-jid'].map(
    (jid) => `PUSH {"jid":"${jid}","jobtype":"t","queue":"default"}`,
  );
  odd.push('PUSH {"jid":"12345678","Jid":"87654321","jobtype":"t","queue":"default"}');
  const before = house.faktory.lines('PUSH').length;
  const { replies } = await together(house, [pushLine().line, ...odd, pushLine().line]);
  const said = await Promise.all(replies);
  for (const text of said.splice(1, odd.length)) {
    t.equal(text, '-ERR jobs must have an args parameter');
  }
  t.same(said, ['+OK', '+OK']);
  t.equal(house.faktory.lines('PUSHB').length, 1);
  t.equal(house.faktory.lines('PUSH').length, before + 1 + odd.length);
});

t.test('who sends what is no JSON takes a PUSHB apart once, and nothing is lost', async (t) => {
  const house = await open(t);
  const [one, two] = [pushLine(), pushLine()];
  const { clients, replies } = await together(house, [one.line, 'PUSH {nonsense}', two.line]);
  t.equal(await replies[0], '+OK');
  t.match(await replies[1], /^-ERR invalid JSON/);
  t.equal(await replies[2], '+OK');
  t.equal(house.faktory.lines('PUSHB').length, 1);
  for (const { jid } of [one, two]) t.ok(isStored(house, jid));
  const spoiler = clients[1] as RawClient;
  t.match(replyText(await spoiler.command('PUSH {nonsense}')), /^-ERR invalid JSON/);
  t.equal(house.faktory.lines('PUSHB').length, 1, 'its PUSHes go by themselves from now on');
});

t.test('jobs smuggled into a PUSH do not travel with others', async (t) => {
  const house = await open(t);
  const { line } = pushLine();
  const smuggled = `${line},${line.slice('PUSH '.length)}`;
  const { replies } = await together(house, [pushLine().line, smuggled, pushLine().line]);
  t.equal(await replies[0], '+OK');
  t.match(await replies[1], /^-ERR invalid JSON/);
  t.equal(await replies[2], '+OK');
  t.notOk(house.faktory.lines('PUSHB').some((bulk) => bulk.includes(line.slice(5))));
});

t.test('a PUSHB that meets the shutdown is sent again, job by job or together', async (t) => {
  const house = await open(t);
  const pushes = [pushLine(), pushLine(), pushLine()];
  const lines = pushes.map(({ line }) => line);
  const { replies } = await together(house, lines, shutdown);
  t.same(await Promise.all(replies), ['+OK', '+OK', '+OK']);
});

t.test('a PUSHB without an answer closes the clients of its jobs, nobody else', async (t) => {
  for (const toxic of [reset, instead('-ERR something else\r\n')]) {
    const house = await open(t);
    const bystander = await house.connect();
    const { replies } = await together(house, [pushLine().line, pushLine().line], toxic);
    t.same(await Promise.all(replies), [CLOSED, CLOSED]);
    t.same(await bystander.command(pushLine().line), ok);
  }
});

t.test('a refusal is never told as +OK, however odd its jid', { skip: missing }, async (t) => {
  const { bouncer, clients } = await openReal(t, 20);
  const replies = clients.map((client, i) => {
    const fields = i === 10 ? { jid: 'odd-\ud800-jid', args: null } : {};
    return client.command(pushLine(fields).line).then(replyText, () => CLOSED);
  });
  const said = await Promise.all(replies);
  t.equal(said.splice(10, 1)[0] === '+OK', false);
  t.same(said, Array(19).fill('+OK'));
  t.ok(((await bouncer.metrics()).get('bulk_pushes_total') ?? 0) > 0);
});

t.test('the real Faktory stores each job of a PUSHB as pushed', { skip: missing }, async (t) => {
  const { bouncer, clients } = await openReal(t, 40);
  const pushed = new Map<string, number>();
  for (let round = 0; round < 5; round += 1) {
    const replies = clients.map((client, i) => {
      if (i % 10 === 9) return client.command(pushLine({ args: null }).line);
      const { jid, line } = pushLine({ retry: i });
      pushed.set(jid, i);
      return client.command(line);
    });
    for (const [i, reply] of (await Promise.all(replies)).entries()) {
      const expected = i % 10 === 9 ? '-ERR jobs must have an args parameter' : '+OK';
      t.equal(replyText(reply), expected);
    }
  }
  const sent = (await bouncer.metrics()).get('bulk_pushes_total') ?? 0;
  t.ok(sent > 0, `${sent} PUSHBs`);
  const [worker] = clients as [RawClient, ...RawClient[]];
  for (let n = pushed.size; n > 0; n -= 1) {
    const job = JSON.parse(replyText(await worker.command('FETCH default')) ?? '') as {
      jid: string;
    };
    t.ok(pushed.delete(job.jid), job.jid);
    t.same(await worker.command(`ACK {"jid":"${job.jid}"}`), ok);
  }
  t.equal(pushed.size, 0);
});
