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

  constructor(told: string[]) {
    super('PUSH', Buffer.from('PUSH {"jid":"12345678"}\r\n'), 0, {
      onReply: (command, piece) => void told.push(`${piece} after ${command.workedMs}`),
      onLost: (_command, fate: LostFate) => void told.push(fate),
    });
  }

  holdsBack(): boolean {
    return false;
  }

  expired(): void {}

  outcomeUnknown(): void {}
}

function tell(reply: string, workedMs = 0): { told: string[]; sentAgain: number } {
  const told: string[] = [];
  let sentAgain = 0;
  const pushAlone = (): void => void (sentAgain += 1);
  const pushes = [new NotingPush(told), new NotingPush(told)];
  const bulk = new BulkPush({ counts: new LaneCounts(), pushAlone }, pushes, 0);
  bulk.command.workedMs = workedMs;
  bulk.onReply(bulk.command, Buffer.from(reply));
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
