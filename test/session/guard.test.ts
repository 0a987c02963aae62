// The guard before a Faktory, rule by rule: what is blocked is answered in its turn, costs its client
// nothing else and never reaches Faktory; what is logged passes; in both modes.

import t, { type Test } from 'tap';
import type { Overrides } from '../support/bouncer.ts';
import { ok, replyText } from '../support/reply.ts';
import { StillClock } from '../support/still-clock.ts';
import { openHeld, openHouse, pushLine } from './house.ts';
import { openPooled } from '../pooled/support/house.ts';

const HOUSES = [
  ['session', openHouse],
  ['pooled', openPooled],
] as const;

const RESERVED =
  "-ERR the queue has the name of one of Faktory's own Redis keys (guard.reserved_queue of faktory-bouncer); use another queue name";

for (const [mode, open] of HOUSES) {
  t.test(`${mode}: a reserved queue is refused by name, whatever the verb`, async (t) => {
    const { faktory, bouncer, connect } = await open(t);
    const client = await connect({ wid: 'w1' });
    const lines = [
      pushLine({ queue: 'retries' }).line,
      'PUSH {"jid":"12345678","queue":"\\u0072etries"}',
      `PUSHB [{"jid":"good-job-1","jobtype":"t","args":[]},{"jid":"12345678","queue":"dead"}]`,
      'FETCH default scheduled',
      'QUEUE PAUSE retries',
      'QUEUE REMOVE dead',
    ];
    for (const line of lines) t.equal(replyText(await client.command(line)), RESERVED, line);
    t.same(await client.command(pushLine().line), ok);
    for (const verb of ['PUSHB', 'FETCH', 'QUEUE']) t.same(faktory.lines(verb), []);
    t.equal(faktory.lines('PUSH').length, 1);
    t.equal(await bouncer.metric('guard_hits_total{rule="reserved_queue"}'), lines.length);
    client.end();
    await bouncer.gaugesAreZero();
  });

  t.test(`${mode}: blocked commands between others are answered in their turn`, async (t) => {
    const { connect } = await open(t, { 'guard.flush': 'block' });
    const clients = await Promise.all([connect(), connect()]);
    const bad = pushLine({ queue: 'working' }).line;
    for (const client of clients) {
      client.send([pushLine().line, bad, 'SING a', 'FLUSH', bad, pushLine().line, ''].join('\r\n'));
    }
    for (const client of clients) {
      const replies: (string | null)[] = [];
      for (let i = 0; i < 6; i += 1) replies.push(replyText(await client.readReply()));
      t.same(replies, [
        '+OK',
        RESERVED,
        '-ERR unknown command SING',
        '-ERR FLUSH is not allowed (guard.flush of faktory-bouncer)',
        RESERVED,
        '+OK',
      ]);
    }
  });

  t.test(`${mode}: a rule in log lets the command pass and counts it`, async (t) => {
    const { faktory, bouncer, connect } = await open(t, {
      'guard.reserved_queue': 'log',
      'guard.flush': 'log',
    });
    const client = await connect();
    t.same(await client.command(pushLine({ queue: 'retries' }).line), ok);
    t.same(await client.command('FLUSH'), ok);
    t.equal(faktory.lines('FLUSH').length, 1);
    t.equal(await bouncer.metric('guard_logged_total{rule="reserved_queue"}'), 1);
    t.equal(await bouncer.metric('guard_logged_total{rule="flush"}'), 1);
    t.equal(await bouncer.metric('guard_hits_total{rule="flush"}'), 0);
  });

  t.test(`${mode}: a command over the rate is refused, an ACK is not`, async (t) => {
    const overrides = {
      'guard.command_rate': 'block',
      'guard.worker_commands': 1,
      'guard.address_commands': 0,
      // Judged before it may be sent, and once.
      'pool.command_connections': 1,
    };
    // No second passes in which another command is allowed.
    const { faktory, bouncer, connect } = await open(t, overrides, {}, new StillClock());
    const worker = await connect({ wid: 'w1' });
    const other = await connect({ wid: 'w2' });
    worker.send(`${'SING a\r\n'.repeat(6)}ACK {"jid":"none-such"}\r\n`);
    for (let i = 0; i < 5; i += 1) {
      t.equal(replyText(await worker.readReply()), '-ERR unknown command SING');
    }
    t.match(replyText(await worker.readReply()), /^-ERR too many commands per second/);
    t.same(await worker.readReply(), ok);
    t.equal(replyText(await other.command('SING a')), '-ERR unknown command SING');
    t.equal(faktory.lines('SING').length, 6);
    t.equal(await bouncer.metric('guard_hits_total{rule="command_rate"}'), 1);
  });
}

const DESTRUCTIVE: Overrides = {
  'guard.flush': 'block',
  'guard.mutate': 'block',
  'guard.queue_remove': 'block',
};
const DESTRUCTIVE_LINES = ['FLUSH', 'MUTATE {"cmd":"clear","target":"dead"}', 'QUEUE REMOVE a'];

async function allow(t: Test, overrides: Overrides, hello: object): Promise<number> {
  const { connect } = await openHouse(t, { ...DESTRUCTIVE, ...overrides });
  const client = await connect({ hello: { v: 2, ...hello } });
  let allowed = 0;
  for (const line of DESTRUCTIVE_LINES) {
    const text = replyText(await client.command(line)) ?? '';
    if (!/^-ERR .* not allowed \(guard\./.test(text)) allowed += 1;
  }
  return allowed;
}

t.test('deleting commands are refused, except those of trusted clients', async (t) => {
  t.equal(await allow(t, {}, {}), 0);
  t.equal(await allow(t, { 'guard.trusted_usernames': 'ops, deploy' }, { username: 'ops' }), 3);
  t.equal(await allow(t, { 'guard.trusted_usernames': 'ops' }, { username: 'op' }), 0);
  t.equal(await allow(t, { 'guard.trusted_usernames': 'ops' }, {}), 0);
  t.equal(await allow(t, { 'guard.trusted_addresses': '127.0.0.0/8' }, {}), 3);
  t.equal(await allow(t, { 'guard.trusted_addresses': '10.0.0.0/8, ::/0' }, {}), 0);
});

t.test(
  'connections over the rate are refused: of an address at HI, of a worker at +OK',
  async (t) => {
    const { bouncer, connect } = await openHeld(t, {
      'guard.connection_rate': 'block',
      'guard.worker_connections': 1,
      'guard.address_connections': 0,
    });
    const workers = await Promise.all(Array.from({ length: 5 }, () => connect({ wid: 'w1' })));
    for (const worker of workers) t.same(worker.helloReply, ok);
    const refused = await connect({ wid: 'w1' });
    t.match(refused.helloReply, {
      text: /^ERR too many connections per second from one worker \(limit 1, guard\.worker_connections /,
    });
    t.equal(await refused.readUntilClose(), '');
    t.same((await connect({ wid: 'w2' })).helloReply, ok);
    t.equal(await bouncer.metric('refusals_total{reason="connection_rate"}'), 1);
    const strict = await openHeld(t, {
      'guard.connection_rate': 'block',
      'guard.address_connections': 1,
    });
    for (let i = 0; i < 5; i += 1) t.same((await strict.connect()).helloReply, ok);
    t.match((await strict.connect()).hi, {
      text: /^ERR too many connections per second from one address/,
    });
  },
);
