// What becomes of the PUSHes of one PUSHB.

import t from 'tap';
import { BulkPush } from '../../src/lanes/bulk-push.ts';
import type { LaneCommand } from '../../src/lanes/lane-command.ts';
import { LaneCounts } from '../../src/lanes/lane-counts.ts';
import type { LostFate } from '../../src/protocol/after-loss.ts';
import { Command } from '../../src/protocol/command.ts';

/** A PUSH that notes what it is told, and how long Faktory is said to have worked on it. */
class NotingPush extends Command implements LaneCommand {
  readonly isWanted = true;
  mayShare = true;
  readonly bulkMark = 1;

  constructor(told: string[], jid: string) {
    super('PUSH', Buffer.from(`PUSH {"jid":"${jid}"}\r\n`), 0, {
      onReply: (command, piece) => {
        const text = piece.toString();
        told.push(command.workedMs === 0 ? text : `${text} after ${command.workedMs}`);
      },
      onLost: (_command, fate: LostFate) => void told.push(fate),
    });
  }

  holdsBack(): boolean {
    return false;
  }

  expired(): void {}

  outcomeUnknown(): void {}

  broke(): void {}
}

function tell(reply: string, workedMs = 0): { told: string[]; sentAgain: number } {
  return tellOf(['12345678', '12345679'], workedMs, Buffer.from(reply));
}

function tellOf(jids: readonly string[], workedMs: number, reply: Buffer) {
  const told: string[] = [];
  let sentAgain = 0;
  const pushAlone = (): void => void (sentAgain += 1);
  const pushes = jids.map((jid) => new NotingPush(told, jid));
  const bulk = new BulkPush({ counts: new LaneCounts(), pushAlone }, pushes, 0);
  bulk.command.workedMs = workedMs;
  bulk.onReply(bulk.command, reply);
  return { told, sentAgain };
}

t.test('each PUSH reads its +OK, and is said to have taken as long as the whole', async (t) => {
  t.same(tell('$2\r\n{}\r\n', 3500).told, ['+OK\r\n after 3500', '+OK\r\n after 3500']);
});

t.test('what Faktory could not read it has not executed, however late it says so', async (t) => {
  t.same(tell('-ERR invalid JSON: nothing\r\n', 3500), { told: [], sentAgain: 2 });
});

t.test('an answer that Faktory is not known to give leaves the outcome unknown', async (t) => {
  t.same(tell('-ERR something else\r\n').told, ['unanswered', 'unanswered']);
});

function failures(map: Readonly<Record<string, string>>): Buffer {
  const body = JSON.stringify(map);
  return Buffer.from(`$${body.length}\r\n${body}\r\n`);
}

t.test('each job reads its own failure, and the others that they are stored', async (t) => {
  const { told } = tellOf(['11111111', '22222222'], 0, failures({ '22222222': 'no' }));
  t.same(told, ['+OK\r\n', '-ERR no\r\n']);
});

t.test('jobs that Faktory refuses in the same words may share a jid', async (t) => {
  const { told } = tellOf(['short', '22222222', 'short'], 0, failures({ short: 'no' }));
  t.same(told, ['-ERR no\r\n', '+OK\r\n', '-ERR no\r\n']);
});

t.test('a failure that names none of them may be that of any that is not named', async (t) => {
  const reply = failures({ '22222222': 'no', renamed: 'no' });
  const { told } = tellOf(['11111111', '22222222', '33333333'], 0, reply);
  t.same(told, ['unanswered', '-ERR no\r\n', 'unanswered']);
});

t.test('where telling one of them fails, it and those behind it are lost, each once', async (t) => {
  const told: string[] = [];
  const pushes = ['12345678', '12345679', '12345680'].map((jid) => new NotingPush(told, jid));
  const [, second] = pushes;
  if (second === undefined) return;
  second.sink.onReply = () => {
    throw new Error('of a test');
  };
  const parts = { counts: new LaneCounts(), pushAlone: () => t.fail('none is sent again') };
  const bulk = new BulkPush(parts, pushes, 0);
  t.throws(() => bulk.onReply(bulk.command, Buffer.from('$2\r\n{}\r\n')), { message: 'of a test' });
  bulk.onLost(bulk.command, 'partly_answered');
  bulk.onLost(bulk.command, 'unanswered');
  t.same(told, ['+OK\r\n', 'partly_answered', 'partly_answered']);
});
