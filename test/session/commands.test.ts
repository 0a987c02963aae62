// What a client sends and hears: lines that must not reach Faktory, lines too long, pipelining in
// any pieces, half-close and END.

import t from 'tap';
import { ok, replyText } from '../support/reply.ts';
import { delay } from '../support/toxics.ts';
import { until } from '../support/waiting.ts';
import { openHouse, pushLine, seededRandom } from './house.ts';

t.test(
  'lines that would crash Faktory are answered here, and the connection goes on',
  async (t) => {
    const { faktory, bouncer, connect } = await openHouse(t);
    const client = await connect();
    const bare = ['PUSH', 'PUSHB', 'ACK', 'FAIL', 'BEAT'];
    for (const line of bare) {
      t.match(await client.command(line), {
        kind: 'error',
        text: /^ERR a command without an argument/,
      });
      client.send(`${line}\n`);
      t.match(await client.readReply(), {
        kind: 'error',
        text: /^ERR a command without an argument/,
      });
    }
    for (const line of ['QUEUE', 'QUEUE PAUSE', 'QUEUE *', 'QUEUE ']) {
      t.match(await client.command(line), { kind: 'error', text: /^ERR QUEUE without/ }, line);
    }
    t.same(await client.command('QUEUE PAUSE q'), ok);
    t.match(await client.command('PUSH '), { kind: 'error', text: /^ERR invalid JSON/ });
    t.same(await client.command(pushLine().line), ok);
    t.same(faktory.panics, []);
    t.same(faktory.lines('QUEUE'), ['QUEUE PAUSE q']);
    t.equal(faktory.lines('PUSH').length, 2);
    t.equal(await bouncer.metric('guard_hits_total{rule="bare_verb"}'), 10);
    t.equal(await bouncer.metric('guard_hits_total{rule="queue_arguments"}'), 4);
  },
);

t.test('a guarded line between others is answered in its turn', async (t) => {
  const { faktory, connect } = await openHouse(t);
  faktory.inject(delay(50), { on: 'PUSH' });
  const client = await connect();
  client.send(`${pushLine().line}\r\nPUSH\r\nSING\r\n`);
  t.same(await client.readReply(), ok);
  t.match(await client.readReply(), { text: /^ERR a command without/ });
  t.match(await client.readReply(), { text: 'ERR unknown command SING' });
});

t.test('max_command_bytes: a line of n passes, one of n + 1 is refused by name', async (t) => {
  const { faktory, bouncer, connect } = await openHouse(t, { max_command_bytes: '1KiB' });
  const client = await connect();
  const lineOf = (bytes: number) => `SING ${'x'.repeat(bytes - 'SING \r\n'.length)}\r\n`;
  client.send(lineOf(1024));
  t.same(await client.readReply(), { kind: 'error', text: 'ERR unknown command SING' });
  client.send(lineOf(1025));
  t.match(await client.readReply(), {
    text: /^ERR command too long \(limit 1024 bytes, max_command_bytes /,
  });
  t.equal(await client.readUntilClose(), '');
  t.equal(faktory.lines('SING').length, 1);
  t.equal(await bouncer.metric('guard_hits_total{rule="command_too_long"}'), 1);
  await bouncer.gaugesAreZero();
});

t.test('max_command_bytes: a line that never ends is refused, whatever follows', async (t) => {
  const { faktory, bouncer, connect } = await openHouse(t, { max_command_bytes: '1KiB' });
  const client = await connect();
  client.send('PUSH ' + 'x'.repeat(2000));
  t.match(await client.readReply(), { text: /^ERR command too long/ });
  client.send('x'.repeat(100_000));
  t.equal(await client.readUntilClose(), '');
  t.same(faktory.lines('PUSH'), []);
  await bouncer.gaugesAreZero();
});

for (const [name, end] of [
  ['with', '\r\n'],
  ['without', ''],
] as const) {
  t.test(`a line too long ${name} LF behind others: their replies come first`, async (t) => {
    const { faktory, connect } = await openHouse(t, { max_command_bytes: '1KiB' });
    faktory.inject(delay(50), { on: 'PUSH' });
    const client = await connect();
    client.send(`${pushLine().line}\r\n${pushLine().line}\r\nSING ${'x'.repeat(2000)}${end}`);
    t.same(await client.readReply(), ok);
    t.same(await client.readReply(), ok);
    t.match(await client.readReply(), { text: /^ERR command too long/ });
    t.equal(await client.readUntilClose(), '');
  });
}

t.test(
  '1000 pipelined commands in random pieces: each reply in order, byte for byte',
  async (t) => {
    const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
    t.comment(`SEED=${seed}`);
    const random = seededRandom(seed);
    const { connect } = await openHouse(t, {}, { fetchBlockMs: 1 });
    const client = await connect();
    const { sent, expected } = script(random, 1000);
    for (let at = 0; at < sent.length;) {
      const size = 1 + Math.floor(random() ** 3 * 3000);
      client.send(sent.subarray(at, at + size));
      at += size;
      if (random() < 0.3) await new Promise(setImmediate);
    }
    const all = `+HI {"v":2}\r\n+OK\r\n${expected}`;
    await until(() => client.heard.length >= all.length, { what: 'all replies' }).catch(() => {});
    t.ok(client.heard === all, differenceText(client.heard, all));
  },
);

/** Commands whose replies do not depend on time. */
function script(random: () => number, length: number): { sent: Buffer; expected: string } {
  const sent: string[] = [];
  let expected = '';
  for (let i = 0; i < length; i += 1) {
    const end = random() < 0.5 ? '\r\n' : '\n';
    const pick = Math.floor(random() * 6);
    if (pick === 0) {
      const big = random() < 0.1 ? 'ü'.repeat(40_000) : `${i}`;
      sent.push(`${pushLine({ args: [big], queue: `q${i}` }).line}${end}`);
      expected += '+OK\r\n';
    } else if (pick === 1) {
      sent.push(`SING${i} la${end}`);
      expected += `-ERR unknown command SING${i}\r\n`;
    } else if (pick === 2) {
      sent.push(`PUSHB [{"jid":"short${i}"}]${end}`);
      const problems = `{"short${i}":"jobs must have a ${jidProblem(i)}"}`;
      expected += `$${problems.length}\r\n${problems}\r\n`;
    } else if (pick === 3) {
      sent.push(`FAIL {"jid":"j${i}"}${end}`);
      expected += `-ERR Job not found j${i}\r\n`;
    } else if (pick === 4) {
      sent.push(`FETCH empty${i}${end}`);
      expected += '$-1\r\n';
    } else {
      sent.push(`ACK${end}`);
      expected += replyOfBareVerb;
    }
  }
  return { sent: Buffer.from(sent.join('')), expected };
}

function differenceText(found: string, wanted: string): string {
  let at = 0;
  while (at < wanted.length && found[at] === wanted[at]) at += 1;
  if (at === wanted.length) return 'replies as Faktory would have sent';
  return `at ${at}: found ${found.slice(at, at + 80)}, wanted ${wanted.slice(at, at + 80)}`;
}

/** A jid of `shortN` is long enough from N = 100 on. */
function jidProblem(i: number): string {
  return i < 100 ? 'reasonable jid parameter' : 'jobtype parameter';
}

const replyOfBareVerb =
  '-ERR a command without an argument would crash Faktory 1.7; send its JSON after a space\r\n';

t.test('half-close: the replies to all that was sent come before the close', async (t) => {
  const { faktory, bouncer, connect } = await openHouse(t);
  faktory.inject(delay(20), { on: 'PUSH' });
  const client = await connect();
  const lines = Array.from({ length: 10 }, () => pushLine().line);
  client.send(`${lines.join('\r\n')}\r\n`);
  client.end();
  t.equal(await client.readUntilClose(), '+OK\r\n'.repeat(10));
  t.same(faktory.lines('PUSH'), lines);
  await bouncer.gaugesAreZero();
});

t.test('half a line before a FIN never reaches Faktory', async (t) => {
  const { faktory, bouncer, connect } = await openHouse(t);
  const client = await connect();
  client.send(`${pushLine().line}\r\nPUSH {"jid":"half`);
  client.end();
  t.equal(await client.readUntilClose(), '+OK\r\n');
  await bouncer.gaugesAreZero();
  t.equal(faktory.lines('PUSH').length, 1);
});

t.test(
  'END closes once what is before it is answered; nothing behind it is executed',
  async (t) => {
    const { faktory, bouncer, connect } = await openHouse(t);
    faktory.inject(delay(20), { on: 'PUSH' });
    const client = await connect();
    client.send(`${pushLine().line}\r\nEND\r\n${pushLine().line}\r\n`);
    t.equal(await client.readUntilClose(), '+OK\r\n');
    await bouncer.gaugesAreZero();
    t.equal(faktory.lines('PUSH').length, 1);
    t.equal(await bouncer.metric('client_connections_ended_total{reason="end_command"}'), 1);
  },
);

t.test('bytes that are no text pass as they came', async (t) => {
  const { connect } = await openHouse(t);
  const client = await connect();
  client.send(Buffer.from([0x00, 0xff, 0x20, 0xfe, 0x0d, 0x0d, 0x0a]));
  t.match(replyText(await client.readReply()), /^-ERR unknown command /);
});
