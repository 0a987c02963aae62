// The PUSH that asks whether Faktory's Redis takes writes: its bytes, its outcomes, and what a real
// Faktory does with it.

import t, { type Test } from 'tap';
import { whileStopped } from '../../bench/harness/signals.ts';
import { bulkOutcome } from '../../src/protocol/bulk.ts';
import { redisTrouble, troubleInReply } from '../../src/protocol/redis-errors.ts';
import { probeAt, probeLine, probeOutcome } from '../../src/protocol/truth-probe.ts';
import { RawClient } from '../support/raw-client.ts';
import { RealFaktory, requireFaktory } from '../support/real-faktory.ts';
import { askRedis } from '../support/redis.ts';
import { replyText } from '../support/reply.ts';
import { until } from '../support/waiting.ts';

const JID = 'bouncer-probe';
const skip = requireFaktory(t) === undefined;

t.test('a probe is due at a full minute, 10 to 70 s from now', async (t) => {
  const at = Date.parse('2026-11-26T12:00:00.000Z');
  t.equal(probeAt(at - 10_001), '2026-11-26T12:00:00.000Z');
  t.equal(probeAt(at - 10_000), '2026-11-26T12:00:00.000Z');
  t.equal(probeAt(at - 9999), '2026-11-26T12:01:00.000Z');
});

t.test('a probe sets no default for the retries of others', async (t) => {
  const line = probeLine({ jid: JID, at: '2026-11-26T12:00:00.000Z' }).toString();
  t.match(line, /^PUSH \{[^\r\n]+\}\r\n$/);
  const job = JSON.parse(line.slice('PUSH '.length)) as Record<string, unknown>;
  t.notOk('retry' in job);
  t.match(job, { jid: JID, at: '2026-11-26T12:00:00.000Z', args: [] });
  t.notMatch(job['queue'], /^[a-zA-Z0-9._-]+$/, 'no queue may have the name');
});

t.test('each reply has one outcome', async (t) => {
  const outcome = (reply: string) => probeOutcome(Buffer.from(`${reply}\r\n`));
  const queue = '"faktory-bouncer: does Redis take writes?"';
  t.same(outcome('+OK'), { kind: 'stored' });
  t.match(outcome('-ERR OOM command not allowed'), { kind: 'refused', reason: /^OOM/ });
  t.match(outcome('-ERR context deadline exceeded'), { kind: 'silent' });
  t.same(outcome(`-ERR cannot get ${queue} queue: queue names must match x`), {
    kind: 'too_early',
  });
  t.same(outcome('-ERR shutdown in progress'), { kind: 'unknown' });
  t.same(outcome('$2\r\n{}'), { kind: 'unknown' });
});

/** A real Faktory, one client of it, and its Redis. */
async function openReal(t: Pick<Test, 'teardown'>) {
  const faktory = await RealFaktory.start();
  t.teardown(() => faktory.stop());
  const client = await RawClient.connect({ port: faktory.port });
  const ask = async (line: string): Promise<Buffer> => {
    const text = replyText(await client.command(line));
    return Buffer.from(
      text === null || /^[-+]/.test(text) ? `${text}\r\n` : `$${text.length}\r\n${text}\r\n`,
    );
  };
  return {
    faktory,
    ask,
    probe: async (fromNowMs: number) => {
      const at = new Date(Date.now() + fromNowMs).toISOString();
      return probeOutcome(await ask(probeLine({ jid: JID, at }).toString().trimEnd()));
    },
    redis: async (...words: string[]) => replyText(await askRedis(faktory.redisSocket, ...words)),
  };
}

function push(fields: object): string {
  return `PUSH ${JSON.stringify({ jid: 'job-12345', jobtype: 't', args: [], retry: 1, ...fields })}`;
}

t.test(
  'a real Faktory stores probes as one job and drops it when it is due',
  { skip },
  async (t) => {
    const { faktory, ask, redis } = await openReal(t);
    // Far enough ahead that all of them are stored before, also on a busy machine.
    const at = new Date(Date.now() + 20_000).toISOString();
    const line = probeLine({ jid: JID, at }).toString().trimEnd();
    for (let n = 0; n < 3; n += 1) t.same(probeOutcome(await ask(line)), { kind: 'stored' });
    t.equal(await redis('ZCARD', 'scheduled'), ':1');
    await until(async () => (await redis('ZCARD', 'scheduled')) === ':0', {
      what: 'the probe to vanish',
      // Faktory looks every 5 s.
      withinMs: 60_000,
    });
    for (const key of ['queues', 'retries', 'dead', 'working']) {
      t.equal(await redis('EXISTS', key), ':0', key);
    }
    await until(() => faktory.log.includes('faktory-bouncer: does Redis take writes?'), {
      what: "Faktory's log to name it",
    });
    t.equal(faktory.log.match(/Unable to process timed job/g)?.length, 1);
  },
);

t.test('a real Faktory tells of each refusal, where PUSH says +OK', { skip }, async (t) => {
  const { ask, probe, redis } = await openReal(t);
  t.equal((await ask(push({ queue: 'known' }))).toString(), '+OK\r\n');
  t.same(await probe(-1000), { kind: 'too_early' });
  const states: [string, string[], string[]][] = [
    ['OOM', ['CONFIG', 'SET', 'maxmemory', '1'], ['CONFIG', 'SET', 'maxmemory', '0']],
    [
      'NOREPLICAS',
      ['CONFIG', 'SET', 'min-replicas-to-write', '1'],
      ['CONFIG', 'SET', 'min-replicas-to-write', '0'],
    ],
    ['READONLY', ['REPLICAOF', '127.0.0.1', '1'], ['REPLICAOF', 'NO', 'ONE']],
  ];
  for (const [code, on, off] of states) {
    const refused = { kind: 'refused', reason: new RegExp(`^${code} `) };
    await redis(...on);
    t.match(await probe(60_000), refused);
    t.equal((await ask(push({ queue: 'known' }))).toString(), '+OK\r\n', `${code}: PUSH lies`);
    t.match(troubleInReply(await ask(push({ queue: `new-${code}` }))), refused);
    const bulk = bulkOutcome(await ask(`PUSHB [${push({ queue: 'newer' }).slice(5)}]`));
    t.equal(bulk.kind, 'some_failed');
    const [text = ''] = bulk.kind === 'some_failed' ? bulk.textByJid.values() : [];
    t.match(redisTrouble(text), refused);
    await redis(...off);
    t.same(await probe(60_000), { kind: 'stored' }, `after ${code}`);
  }
  await redis('CONFIG', 'SET', 'maxmemory', '1');
  t.match(troubleInReply(await ask('FETCH known')), { kind: 'refused', reason: /^OOM/ });
});

t.test('a real Faktory whose Redis hangs tells that it did not answer', { skip }, async (t) => {
  const { ask, probe, faktory } = await openReal(t);
  await whileStopped(await faktory.redisPid(), async () => {
    t.match(await probe(60_000), { kind: 'silent' });
    t.match(troubleInReply(await ask('FETCH q')), { kind: 'silent' });
  });
  t.same(await probe(60_000), { kind: 'stored' });
});
