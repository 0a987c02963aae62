// Hot path. Several clients' PUSHes on their way as one PUSHB. Promise: each of them gets the reply
// that it would have got alone, or is told that its outcome is unknown; what Faktory did not execute
// is sent again by itself.

import type { LaneCounts } from './lane-counts.ts';
import {
  type BulkOutcome,
  bulkOutcome,
  jidOf,
  pushbLine,
  pushErrorLine,
} from '../protocol/bulk.ts';
import type { LostFate } from '../protocol/after-loss.ts';
import { Command, type ReplySink } from '../protocol/command.ts';
import { OK } from '../protocol/replies.ts';
import type { LaneCommand } from './lane-command.ts';

export interface BulkPushParts {
  readonly counts: LaneCounts;
  /** Sends a PUSH that was part of a bulk by itself. */
  readonly pushAlone: (push: LaneCommand) => void;
}

export class BulkPush implements ReplySink {
  readonly command: Command;
  readonly #parts: BulkPushParts;
  readonly #pushes: readonly LaneCommand[];
  /** So many of them, the first ones, have heard how it ended. */
  #told = 0;

  constructor(parts: BulkPushParts, pushes: readonly LaneCommand[], now: number) {
    this.#parts = parts;
    this.#pushes = pushes;
    this.command = new Command('PUSHB', pushbLine(pushes), now, this);
    parts.counts.bulkPushes.sent += 1;
    parts.counts.bulkPushes.jobs += pushes.length;
  }

  onReply(_command: Command, reply: Buffer): void {
    const outcome = bulkOutcome(reply);
    // Each of them may have been worked on for as long as the whole.
    for (const push of this.#pushes) push.workedMs = this.command.workedMs;
    switch (outcome.kind) {
      case 'all_stored':
        this.#tell((push) => push.sink.onReply(push, OK, true));
        return;
      case 'some_failed':
        this.#tellEach(outcome);
        return;
      case 'not_executed':
        this.#parts.counts.bulkPushes.takenApart += 1;
        this.#tell((push) => this.#parts.pushAlone(push));
        return;
      case 'unknown':
        this.onLost(this.command, 'unanswered');
    }
  }

  onLost(_command: Command, fate: LostFate): void {
    this.#tell((push) => push.sink.onLost(push, fate));
  }

  /** Where telling one fails, it is lost with those behind it; those before it have their reply. */
  #tell(how: (push: LaneCommand, n: number) => void): void {
    for (; this.#told < this.#pushes.length; this.#told += 1) {
      how(this.#pushes[this.#told] as LaneCommand, this.#told);
    }
  }

  /**
   * The map has one entry for each jid, and no two jobs here share one, unless Faktory refuses both in
   * the same words. A failure that names none of them may be that of any that is not named.
   */
  #tellEach({ textByJid }: BulkOutcome & { kind: 'some_failed' }): void {
    const jids = this.#pushes.map((push) => jidOf(push.line));
    const named = new Set(jids.filter((jid) => jid !== null && textByJid.has(jid)));
    const allAreNamed = named.size === textByJid.size;
    this.#tell((push, n) => {
      const jid = jids[n] ?? null;
      const text = jid === null ? undefined : textByJid.get(jid);
      if (text !== undefined) push.sink.onReply(push, pushErrorLine(text), true);
      else if (allAreNamed) push.sink.onReply(push, OK, true);
      else push.sink.onLost(push, 'unanswered');
    });
  }
}
