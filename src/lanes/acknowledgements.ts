// Hot path. What a reply is worth before a client reads it. Promise: a +OK that may be false is not passed
// on; a reply that tells of trouble with Redis is heard.
//
// go-redis v9.0.2 reads an answer for 3 s before it gives up or asks again, and Faktory ignores the error
// of the LPUSH (v1.7.0 storage/queue_redis.go Push, server/commands.go push and pushBulk). So a
// PUSH that Faktory worked on for less has been stored. One that it worked on for longer may be stored
// once, twice or not at all, whatever Faktory answers.

import type { Clock } from '../base/clock.ts';
import type { Live } from '../base/live.ts';
import type { Command } from '../protocol/command.ts';
import { LATE_REPLY } from '../protocol/error-texts.ts';
import { troubleInReply } from '../protocol/redis-errors.ts';
import { isError } from '../protocol/replies.ts';
import { SUSPECT_AFTER_MS } from '../server/write-health.ts';
import type { WriteHealth, WriteSettings } from '../server/write-health.ts';
import { MEANING } from '../protocol/verbs.ts';
import type { LaneCounts } from './lane-counts.ts';

/** go-redis's read timeout. */
export const LATE_AFTER_MS = 3000;

export interface AcknowledgementParts {
  readonly clock: Clock;
  readonly settings: Live<WriteSettings>;
  readonly counts: LaneCounts;
  readonly health: WriteHealth;
}

export class Acknowledgements {
  readonly #parts: AcknowledgementParts;

  constructor(parts: AcknowledgementParts) {
    this.#parts = parts;
  }

  /** What the client of `command` is to read where Faktory's whole reply is `reply`. */
  judge(command: Command, reply: Buffer): Buffer {
    if (isError(reply)) {
      const trouble = troubleInReply(reply);
      if (trouble !== null) this.#parts.health.sawTrouble(this.#parts.clock.now(), trouble);
      return reply;
    }
    if (command.workedMs < SUSPECT_AFTER_MS && MEANING[command.verb].redis !== 'untouched') {
      this.#parts.health.sawAnswer();
    }
    if (command.workedMs < LATE_AFTER_MS) return reply;
    if (command.verb !== 'PUSH' && command.verb !== 'PUSHB') return reply;
    return this.#doubt(command.verb, reply);
  }

  #doubt(verb: 'PUSH' | 'PUSHB', reply: Buffer): Buffer {
    const mode = this.#parts.settings.current.lateReply;
    if (mode === 'off') return reply;
    this.#parts.counts.lateReplies.add(verb);
    return mode === 'on' ? LATE_REPLY : reply;
  }
}
