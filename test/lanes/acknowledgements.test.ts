// Which replies are passed on as they are, by how long Faktory took for them.

import t from 'tap';
import { Live } from '../../src/base/live.ts';
import { Acknowledgements, LATE_AFTER_MS } from '../../src/lanes/acknowledgements.ts';
import { LaneCounts } from '../../src/lanes/lane-counts.ts';
import { Command } from '../../src/protocol/command.ts';
import type { Verb } from '../../src/protocol/verbs.ts';
import { type RuleMode, WriteHealth, type WriteSettings } from '../../src/server/write-health.ts';
import { FakeClock } from '../support/fake-clock.ts';

const SINK = { onReply: (): void => {}, onLost: (): void => {} };

function judge(verb: Verb, workedMs: number, reply: string, lateReply: RuleMode = 'on') {
  const settings = new Live<WriteSettings>({
    lateReply,
    hang: 'on',
    refused: 'on',
    probeIntervalMs: 0,
  });
  const counts = new LaneCounts();
  const health = new WriteHealth(settings);
  const acknowledgements = new Acknowledgements({
    clock: new FakeClock(),
    settings,
    counts,
    health,
  });
  const command = new Command(verb, Buffer.from(`${verb} {}\r\n`), 0, SINK);
  command.workedMs = workedMs;
  const told = acknowledgements.judge(command, Buffer.from(reply)).toString();
  return { told, late: counts.lateReplies.values, state: health.state };
}

t.test('a PUSH or PUSHB is believed up to the Redis timeout, and not from then on', async (t) => {
  for (const [verb, reply] of [
    ['PUSH', '+OK\r\n'],
    ['PUSHB', '$2\r\n{}\r\n'],
  ] as const) {
    t.equal(judge(verb, LATE_AFTER_MS - 1, reply).told, reply);
    const late = judge(verb, LATE_AFTER_MS, reply);
    t.match(late.told, /^-ERR Faktory took longer than its Redis timeout \(3 s\): .*\r\n$/);
    t.equal(late.late[verb], 1);
  }
});

t.test('log counts it and passes it on, off does neither', async (t) => {
  const logged = judge('PUSH', LATE_AFTER_MS, '+OK\r\n', 'log');
  t.same([logged.told, logged.late.PUSH], ['+OK\r\n', 1]);
  const off = judge('PUSH', LATE_AFTER_MS, '+OK\r\n', 'off');
  t.same([off.told, off.late.PUSH], ['+OK\r\n', 0]);
});

t.test('what reports its errors is believed however late', async (t) => {
  for (const verb of ['ACK', 'FAIL', 'BEAT', 'INFO', 'FETCH'] as const) {
    t.equal(judge(verb, 10_000, '+OK\r\n').told, '+OK\r\n');
  }
  const error = '-ERR jobs must have an args parameter\r\n';
  t.equal(judge('PUSH', 10_000, error).told, error);
});

t.test('an error that tells of Redis is heard, and passed on as it is', async (t) => {
  const refused = '-ERR cannot add element in the working set: OOM command not allowed\r\n';
  const heard = judge('FETCH', 1, refused);
  t.equal(heard.told, refused);
  t.match(heard.state, { kind: 'refusing', reason: 'OOM command not allowed' });
  t.match(judge('ACK', 1, '-ERR redis: connection pool timeout\r\n').state, { kind: 'suspect' });
  t.same(judge('PUSH', 1, '-ERR jobs must have an args parameter\r\n').state, { kind: 'sound' });
});
