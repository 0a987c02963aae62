// Hot path. Several clients' PUSHes on their way as one PUSHB. Promise: each of them gets the reply
// that it would have got alone, or is told that its outcome is unknown; what Faktory did not execute
// is sent again by itself.

import type { Clock } from '../base/clock.ts';
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

/**
 * Faktory gives up on a command of its Redis after 3 s (go-redis v9.0.2, read timeout) and throws the
 * error of an LPUSH away (v1.7.0 storage/queue_redis.go Push). A PUSHB that it worked on for longer
 * may have lost any of its jobs, whatever it answers.
 */
const DOUBTED_AFTER_MS = 3000;

export interface BulkPushParts {
  readonly clock: Clock;
  readonly counts: LaneCounts;
  /** Sends a PUSH that was part of a bulk by itself. */
  readonly pushAlone: (push: LaneCommand) => void;
}

export class BulkPush implements ReplySink {
  readonly command: Command;
  readonly #parts: BulkPushParts;
  readonly #pushes: readonly LaneCommand[];
  readonly #sentAt: number;

  /** `now`: when it is sent, over a connection with nothing else outstanding. */
  constructor(parts: BulkPushParts, pushes: readonly LaneCommand[], now: number) {
    this.#parts = parts;
    this.#pushes = pushes;
    this.#sentAt = now;
    this.command = new Command('PUSHB', pushbLine(pushes), now, this);
    parts.counts.bulkPushes.sent += 1;
    parts.counts.bulkPushes.jobs += pushes.length;
  }

  onReply(_command: Command, reply: Buffer): void {
    const outcome = bulkOutcome(reply);
    const isDoubted = this.#parts.clock.now() - this.#sentAt >= DOUBTED_AFTER_MS;
    if (isDoubted && outcome.kind !== 'not_executed') {
      this.onLost(this.command, 'unanswered');
      return;
    }
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
