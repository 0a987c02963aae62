// What becomes of the PUSHes of one PUSHB, by its answer and by how long the answer took.

import t from 'tap';
import { BulkPush } from '../../src/lanes/bulk-push.ts';
import type { LaneCommand } from '../../src/lanes/lane-command.ts';
import { LaneCounts } from '../../src/lanes/lane-counts.ts';
import type { LostFate } from '../../src/protocol/after-loss.ts';
import { Command } from '../../src/protocol/command.ts';
import { FakeClock } from '../support/fake-clock.ts';

const ALL_STORED = Buffer.from('$2\r\n{}\r\n');
const NO_JSON = Buffer.from('-ERR invalid JSON: nothing\r\n');

/** A PUSH that notes what it is told. */
class NotingPush extends Command implements LaneCommand {
  readonly isWanted = true;
  mayShare = true;
  readonly told: string[];

  constructor(told: string[]) {
    super('PUSH', Buffer.from('PUSH {"jid":"12345678"}\r\n'), 0, {
      onReply: (_command, piece) => void told.push(piece.toString()),
      onLost: (_command, fate: LostFate) => void told.push(fate),
    });
    this.told = told;
  }

  holdsBack(): boolean {
    return false;
  }

  expired(): void {}

  outcomeUnknown(): void {}
}

function tellAfter(ms: number, reply: Buffer): { told: string[]; sentAgain: number } {
  const clock = new FakeClock();
  const told: string[] = [];
  let sentAgain = 0;
  const pushAlone = (): void => void (sentAgain += 1);
  const pushes = [new NotingPush(told), new NotingPush(told)];
  const bulk = new BulkPush({ clock, counts: new LaneCounts(), pushAlone }, pushes, clock.now());
  clock.advance(ms);
  bulk.onReply(bulk.command, reply);
  return { told, sentAgain };
}

t.test('an answer within 3 s is believed', async (t) => {
  t.same(tellAfter(2999, ALL_STORED).told, ['+OK\r\n', '+OK\r\n']);
});

t.test('an answer after 3 s is not: the outcome is unknown', async (t) => {
  t.same(tellAfter(3000, ALL_STORED).told, ['unanswered', 'unanswered']);
  const someFailed = Buffer.from('$20\r\n{"12345678":"no"}   \r\n');
  t.same(tellAfter(3000, someFailed).told, ['unanswered', 'unanswered']);
});

t.test('what Faktory could not read it has not executed, however late it says so', async (t) => {
  t.same(tellAfter(3000, NO_JSON), { told: [], sentAgain: 2 });
});
