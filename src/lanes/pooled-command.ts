// Hot path. A pooled client's command on its way through the command lane. Promise: it knows whether it
// may become part of a PUSHB; what becomes of it is told to its client's lane, and nobody else.

import { ALONE, bulkMark } from '../protocol/bulk-mark.ts';
import { isWorthSending } from '../protocol/after-loss.ts';
import { Command, type ReplySink } from '../protocol/command.ts';
import { UNREACHABLE } from '../protocol/error-texts.ts';
import { MEANING, type Verb } from '../protocol/verbs.ts';
import type { LaneCommand } from './lane-command.ts';
import type { HeldWrite } from './write-gate.ts';

/** The lane of the client that sent it. */
export interface CommandSender extends ReplySink {
  readonly clientIsHere: boolean;
  /** Keeps a BEAT that Faktory would answer with `unknown worker`, for as long as it may wait. */
  holdsBeat(beat: PooledCommand): boolean;
  /** The BEAT has waited as long as it may. */
  onBeatExpired(): void;
  /** Keeps a write that Faktory would acknowledge whatever becomes of it. */
  holdsWrite(write: PooledCommand): boolean;
  /** It is held no more. */
  submitHeld(write: PooledCommand): void;
  /** The bouncer's own answer to a command that was not sent. */
  answer(command: Command, text: Buffer): void;
  loseOutcome(): void;
  /** A defect was met on the way of its command. */
  broke(): void;
}

export class PooledCommand extends Command implements LaneCommand, HeldWrite {
  mayShare = false;
  bulkMark = ALONE;
  readonly #lane: CommandSender;

  constructor(verb: Verb, line: Buffer, readAt: number, lane: CommandSender) {
    super(verb, line, readAt, lane);
    this.#lane = lane;
  }

  get isWanted(): boolean {
    return this.#lane.clientIsHere;
  }

  get isWorthSending(): boolean {
    return isWorthSending(this.verb, this.isWanted);
  }

  /** Finds out whether it, a PUSH, may become part of a PUSHB. */
  mark(): void {
    this.bulkMark = bulkMark(this.line);
    this.mayShare = this.bulkMark !== ALONE;
  }

  holdsBack(): boolean {
    if (this.verb === 'BEAT') return this.#lane.holdsBeat(this);
    return MEANING[this.verb].storesJob && this.#lane.holdsWrite(this);
  }

  expired(): void {
    if (this.verb === 'BEAT') this.#lane.onBeatExpired();
    this.#lane.answer(this, UNREACHABLE);
  }

  goOn(): void {
    this.#lane.submitHeld(this);
  }

  refuse(text: Buffer): void {
    this.#lane.answer(this, text);
  }

  outcomeUnknown(): void {
    this.#lane.loseOutcome();
  }

  broke(): void {
    this.#lane.broke();
  }
}
