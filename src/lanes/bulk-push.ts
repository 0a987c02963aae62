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

/** Shorter ones Faktory refuses, always with the same words (v1.7.0 manager/manager.go Push). */
const JID_BYTES_MIN = 8;

export interface BulkPushParts {
  readonly counts: LaneCounts;
  /** Sends a PUSH that was part of a bulk by itself. */
  readonly pushAlone: (push: LaneCommand) => void;
}

export class BulkPush implements ReplySink {
  readonly command: Command;
  readonly #parts: BulkPushParts;
  readonly #pushes: readonly LaneCommand[];

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
        for (const push of this.#pushes) push.sink.onReply(push, OK, true);
        return;
      case 'some_failed':
        this.#tellEach(outcome);
        return;
      case 'not_executed':
        this.#parts.counts.bulkPushes.takenApart += 1;
        for (const push of this.#pushes) this.#parts.pushAlone(push);
        return;
      case 'unknown':
        this.onLost(this.command, 'unanswered');
    }
  }

  onLost(_command: Command, fate: LostFate): void {
    for (const push of this.#pushes) push.sink.onLost(push, fate);
  }

  /** The map has one entry for each jid: of two jobs that share one, it is not known which failed. */
  #tellEach({ textByJid }: BulkOutcome & { kind: 'some_failed' }): void {
    const jids = this.#pushes.map((push) => jidOf(push.line));
    this.#pushes.forEach((push, n) => {
      const jid = jids[n] ?? null;
      const text = jid === null ? undefined : textByJid.get(jid);
      if (jid === null || (text !== undefined && !isTheOnlyOne(jid, jids))) {
        push.sink.onLost(push, 'unanswered');
      } else {
        push.sink.onReply(push, text === undefined ? OK : pushErrorLine(text), true);
      }
    });
  }
}

/** Whether the failure of `jid` is that of one job, or of all that have it. */
function isTheOnlyOne(jid: string, jids: readonly (string | null)[]): boolean {
  if (Buffer.byteLength(jid) < JID_BYTES_MIN) return true;
  return !jids.includes(null) && jids.indexOf(jid) === jids.lastIndexOf(jid);
}
