// PUSHes that somebody might send, however odd: through the bouncer, with and without pool.bulk_push,
// each reads what Faktory says to it alone, and is stored as Faktory stores it alone.

import t, { type Test } from 'tap';
import { pushLine } from '../session/house.ts';
import { type RunningBouncer, startBouncer } from '../support/bouncer.ts';
import { RawClient } from '../support/raw-client.ts';
import { RealFaktory, requireFaktory } from '../support/real-faktory.ts';
import { askRedis } from '../support/redis.ts';
import { replyText } from '../support/reply.ts';
import { StillClock } from '../support/still-clock.ts';
import { isMeasured } from './support/measured.ts';

const skip = requireFaktory(t) === undefined;

/** The members that a job needs, but for its jid. */
const REST = '"jobtype":"t","args":[],"retry":3';

/** What Faktory takes, or refuses one by one. */
const READABLE: readonly string[] = [
  `"jid":"aaaaaaaa","jid":"bbbbbbbb",${REST}`,
  `"jid":"aaaaaaaa","jid":"aaaaaaaa",${REST}`,
  `"jid":"aaaaaaaa","Jid":"bbbbbbbb",${REST}`,
  `"JID":"aaaaaaaa","jid":null,${REST}`,
  `"jid":null,"jid":"aaaaaaaa",${REST}`,
  `"jid":"aaaaaaaa","jid":"short",${REST}`,
  `"jid":"aaaaaaaa","jid":"bbbbbbbb","jobtype":"","args":[]`,
  `"j\\u0069d":"aaaaaaaa",${REST}`,
  `"jid":"odd-\\ud800-jid",${REST}`,
  `"jid":"odd-\\ud800-jid","jobtype":"t"`,
  `"jid":"odd-\ufffd-jid",${REST}`,
  `"jid":"odd-\ufffd-jid","jobtype":"t"`,
  `"jid":"a\\u0000b\\r\\nc\\"d",${REST}`,
  `"jid":"short",${REST}`,
  REST,
  `"jid":null,${REST}`,
  `"jid":"aaaaaaaa","jobtype":"t","args":null`,
  `"jid":"aaaaaaaa","jobtype":null,"args":[]`,
  `"jid":"aaaaaaaa","jobtype":"t","args":[],"retry":-1`,
  `"jid":"aaaaaaaa","jobtype":"t","args":[1,2.5,1e3,"\\u2028<>&"],"retry":2`,
  `"jid":"aaaaaaaa",${REST},"reserve_for":90000`,
  `"jid":"aaaaaaaa",${REST},"at":"soon"`,
  `"jid":"aaaaaaaa",${REST},"custom":{"jid":"x","a":[{}]}`,
  `"jid":"aaaaaaaa",${REST},"unknown":{"a":[1,{"b":"}"}]}`,
];

/** What Faktory cannot read: a PUSHB that holds one of them executes nothing. */
const UNREADABLE: readonly string[] = [
  `"jid":"aaaaaaaa","jid":1,${REST}`,
  `"jid":12345678,${REST}`,
  `"jid":["aaaaaaaa"],${REST}`,
  `"jid":"aaaaaaaa","jobtype":"t","args":{}`,
  `"jid":"aaaaaaaa","jobtype":"t","args":[],"retry":"x"`,
  `"jid":"aaaaaaaa",${REST},"created_at":1`,
  `"jid":"aaaaaaaa",${REST},`,
  `"jid":"aaaaaaaa" ${REST}`,
  `"jid":"aaaaaaaa",${REST}},{"jid":"bbbbbbbb",${REST}`,
  `"jid":"aaaaaaaa",${REST}}]`,
];

interface Way {
  readonly name: string;
  readonly clients: readonly RawClient[];
  readonly bouncer: RunningBouncer | null;
}

interface Outcome {
  readonly reply: string | null;
  readonly stored: readonly unknown[];
}

/** More clients than odd payloads, so that in pooled mode they come while others are on their way. */
const CLIENTS = READABLE.length * 2;

async function ways(t: Test, faktory: RealFaktory): Promise<readonly Way[]> {
  const direct = Array.from({ length: CLIENTS }, () => RawClient.connect({ port: faktory.port }));
  const found: Way[] = [{ name: 'direct', clients: await Promise.all(direct), bouncer: null }];
  const modes = [
    { name: 'session', overrides: { mode: 'session' } },
    { name: 'alone', overrides: { mode: 'pooled', 'pool.bulk_push': false } },
    {
      name: 'bulk',
      overrides: { mode: 'pooled', 'pool.bulk_push': true, 'pool.command_connections': 1 },
    },
  ];
  for (const { name, overrides } of modes) {
    const clock = new StillClock();
    const bouncer = await startBouncer(t, { port: faktory.port, overrides, clock });
    await bouncer.isUp();
    if (name === 'bulk') await isMeasured(bouncer);
    const clients = await Promise.all(Array.from({ length: CLIENTS }, () => bouncer.connect()));
    found.push({ name, clients, bouncer });
  }
  return found;
}

/** Sends all payloads at once, each from a client of its own between others that push. */
async function outcomes(way: Way, odd: readonly string[], faktory: RealFaktory) {
  const replies = way.clients.slice(0, odd.length * 2).map((client, i) => {
    const queue = queueOf(way, i);
    const payload = i % 2 === 1 ? odd[(i - 1) / 2] : undefined;
    const line =
      payload === undefined ? pushLine({ queue }).line : `PUSH {"queue":"${queue}",${payload}}`;
    return client.command(line).then(replyText, () => 'closed');
  });
  const found: Outcome[] = [];
  for (const [i, reply] of (await Promise.all(replies)).entries()) {
    if (i % 2 === 0) t.equal(reply, '+OK', `${way.name}, a usual PUSH`);
    else found.push({ reply, stored: await stored(faktory, queueOf(way, i)) });
  }
  return found;
}

function queueOf({ name }: Way, i: number): string {
  return `${name}-${i}`;
}

/**
 * What is in the queue, without what differs by the way, by the time, or by chance: PUSHes that meet
 * in Faktory may get each other's retry (v1.7.0 server/commands.go push: one default for all).
 */
async function stored({ redisSocket }: RealFaktory, queue: string): Promise<unknown[]> {
  const jobs: unknown[] = [];
  for (;;) {
    const text = replyText(await askRedis(redisSocket, 'RPOP', queue));
    if (text === null) return jobs;
    const job = JSON.parse(text) as Record<string, unknown>;
    for (const name of ['queue', 'created_at', 'enqueued_at', 'retry']) delete job[name];
    jobs.push(job);
  }
}

t.test('an odd PUSH reads and does what it would directly, in every mode', { skip }, async (t) => {
  const faktory = await RealFaktory.start();
  t.teardown(() => faktory.stop());
  const [direct, ...others] = await ways(t, faktory);
  if (direct === undefined) return;
  for (const odd of [READABLE, UNREADABLE]) {
    const expected = await outcomes(direct, odd, faktory);
    for (const { reply } of expected) {
      t.equal(reply?.startsWith('-ERR invalid JSON'), odd === UNREADABLE, reply ?? '');
    }
    for (const way of others) {
      for (const [i, outcome] of (await outcomes(way, odd, faktory)).entries()) {
        t.same(outcome, expected[i], `${way.name}: ${odd[i]}`);
      }
    }
  }
  for (const { name, bouncer } of others) {
    const bulks = (await bouncer?.metrics())?.get('bulk_pushes_total') ?? 0;
    t.equal(bulks > 0, name === 'bulk', `${name}: ${bulks} PUSHBs`);
  }
});
