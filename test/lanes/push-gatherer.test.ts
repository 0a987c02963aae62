// PUSHes that travel together: what goes when.

import { setImmediate as nextTurn } from 'node:timers/promises';
import t from 'tap';
import { Fifo } from '../../src/base/fifo.ts';
import type { LaneCommand } from '../../src/lanes/lane-command.ts';
import { PushGatherer } from '../../src/lanes/push-gatherer.ts';
import { Command } from '../../src/protocol/command.ts';

class Push extends Command implements LaneCommand {
  readonly isWanted = true;
  mayShare = true;
  readonly bulkMark = 0;

  constructor() {
    super('PUSH', Buffer.from('PUSH {}\r\n'), 0, { onReply: () => {}, onLost: () => {} });
  }

  holdsBack(): boolean {
    return false;
  }

  expired(): void {}

  outcomeUnknown(): void {}

  broke(): void {}
}

t.test(
  'a carrier that throws at the end of a turn is told, and the next turn goes on',
  async (t) => {
    const errors: unknown[] = [];
    const carried: number[] = [];
    let fails = true;
    const carrier = {
      bulkJobs: 4,
      bulkRoom: () => {
        if (fails) throw new Error('of a test');
        return 1;
      },
      carry: (pushes: readonly LaneCommand[]) => void carried.push(pushes.length),
    };
    const gatherer = new PushGatherer(carrier, new Fifo(), (error) => errors.push(error));
    gatherer.add(new Push());
    await nextTurn();
    t.match(errors, [{ message: 'of a test' }]);
    fails = false;
    gatherer.add(new Push());
    await nextTurn();
    t.same(carried, [2]);
  },
);
