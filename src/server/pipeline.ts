// Hot path. What goes over one open server connection: commands out, replies in. Promise: replies go to
// the commands in the order in which these were sent; what one turn of the event loop brings is one
// write; every command is answered or reported lost, once.

import { Fifo } from '../base/fifo.ts';
import type { Turns } from '../base/turns.ts';
import type { Wire, Wiring } from '../base/wire.ts';
import type { LostFate } from '../protocol/after-loss.ts';
import { type Command, UNSENT } from '../protocol/command.ts';
import { isShutdown } from '../protocol/replies.ts';
import { ReplyParser, type ReplyTaker } from '../protocol/reply-parser.ts';
import { MEANING, type Verb } from '../protocol/verbs.ts';
import { WorkTime } from './work-time.ts';

/** The connection that the commands go over. */
export interface PipelineOwner {
  /** A reply has come to its end: one command fewer is outstanding. */
  onAnswered(): void;
  /** Faktory shuts down, and has executed nothing of what is outstanding. Only where it is shared. */
  onShutdown(): void;
  /** Bytes came that answer nothing, or that are no reply; maybe again until the wire is closed. */
  onNonsense(): void;
}

/** The oldest command that Faktory has not answered. */
export interface Head {
  readonly verb: Verb;
  /** When Faktory began with it at the latest; monotonic ms. */
  readonly since: number;
}

export class Pipeline implements ReplyTaker {
  readonly #wire: Wire;
  readonly #turns: Turns;
  readonly #onBug: Wiring['onBug'];
  readonly #sharing: 'shared' | 'own';
  readonly #owner: PipelineOwner;
  /** Sent, or about to be, and not answered; oldest first. */
  readonly #outstanding = new Fifo<Command>();
  readonly #parser = new ReplyParser(this);
  readonly #work: WorkTime;
  /** The last of the outstanding: they go in one write at the end of this turn. */
  #unflushed: Command[] = [];
  readonly #turnEnds = (): void => this.#flushGuarded();

  constructor(wire: Wire, wiring: Wiring, sharing: 'shared' | 'own', owner: PipelineOwner) {
    const { turns, onBug } = wiring;
    this.#wire = wire;
    this.#turns = turns;
    this.#onBug = onBug;
    this.#sharing = sharing;
    this.#owner = owner;
    this.#work = new WorkTime(turns);
  }

  /** Commands sent, or about to be, and not answered to the end. */
  get length(): number {
    return this.#outstanding.length;
  }

  /** What Faktory is at; null if it owes no answer. */
  get head(): Head | null {
    const command = this.#outstanding.peek();
    if (command === undefined || command.sentAt === UNSENT) return null;
    return { verb: command.verb, since: this.#work.since(command.sentAt) };
  }

  /** The same commands, oldest first. */
  commands(): Iterable<Command> {
    return this.#outstanding;
  }

  /** How long Faktory worked on the command that was answered last. */
  get workTime(): WorkTime {
    return this.#work;
  }

  /** Whether part of a reply has arrived and its end has not. */
  get isInsideReply(): boolean {
    return this.#parser.isInsideReply;
  }

  /** Bytes of a reply that is put together. */
  get heldReplyBytes(): number {
    return this.#parser.heldBytes;
  }

  /** Bytes sent that the network has not taken yet, and bytes of replies still being put together. */
  get bufferedBytes(): number {
    return this.#wire.untaken + this.#parser.heldBytes;
  }

  /** Sends `command`: at once where nothing is outstanding, else with what this turn brings. */
  send(command: Command): void {
    this.#outstanding.push(command);
    if (this.#unflushed.length === 0) {
      if (this.#outstanding.length === 1) {
        command.sentAt = this.#turns.now();
        this.#work.begin(command.sentAt);
        this.#wire.write(command.line);
        return;
      }
      if (this.#sharing === 'shared') setImmediate(this.#turnEnds);
      else process.nextTick(this.#turnEnds);
    }
    command.sentAt = UNSENT;
    this.#unflushed.push(command);
  }

  /** Takes a command that cannot be sent any more: it is reported lost with the rest. */
  keep(command: Command): void {
    command.sentAt = UNSENT;
    this.#outstanding.push(command);
  }

  /** Writes what waits for the end of the turn. */
  flush(): void {
    if (this.#unflushed.length === 0) return;
    const now = this.#turns.now();
    const lines: Buffer[] = [];
    for (const command of this.#unflushed) {
      command.sentAt = now;
      lines.push(command.line);
    }
    this.#unflushed = [];
    this.#wire.writeAll(lines);
  }

  /** Bytes from Faktory, read at `now` (monotonic ms). */
  read(chunk: Buffer, now: number): void {
    this.#work.read(now);
    if (!this.#parser.parse(chunk)) this.#owner.onNonsense();
  }

  onReply(reply: Buffer): void {
    const command = this.#asked();
    if (command === null) return;
    // Only a whole reply is asked: the end of a streamed one may be a client's own text.
    if (this.#sharing === 'shared' && isShutdown(reply)) {
      this.#nothingWasExecuted();
      this.#owner.onShutdown();
      return;
    }
    this.#answered(command, reply);
  }

  onPiece(piece: Buffer, last: boolean): void {
    const command = this.#asked();
    if (command === null) return;
    if (last) this.#answered(command, piece);
    else command.sink.onReply(command, piece, false);
  }

  wantsWhole(): boolean {
    const command = this.#outstanding.peek();
    return command !== undefined && MEANING[command.verb].reply === 'whole';
  }

  /** Nothing comes any more. */
  reportLost(): void {
    this.#unflushed = [];
    // A reply that is held until it is whole has not been passed on; where it was cut it held a job.
    const isCut = this.wantsWhole() ? this.#parser.isInsideReply : this.#parser.hasPassedOn;
    let fate: LostFate = isCut ? 'partly_answered' : 'unanswered';
    for (let c = this.#outstanding.shift(); c !== undefined; c = this.#outstanding.shift()) {
      this.#tellLost(c, c.sentAt === UNSENT ? 'unsent' : fate);
      fate = 'unanswered';
    }
  }

  /** A sink that throws keeps nothing from the others. */
  #tellLost(command: Command, fate: LostFate): void {
    try {
      command.sink.onLost(command, fate);
    } catch (error) {
      this.#onBug(error);
    }
  }

  /** Whose reply it is; null if no command is outstanding. */
  #asked(): Command | null {
    const command = this.#outstanding.peek();
    if (command !== undefined && command.sentAt !== UNSENT) return command;
    this.#owner.onNonsense();
    return null;
  }

  #answered(command: Command, piece: Buffer): void {
    this.#outstanding.shift();
    this.#work.answered(command.sentAt);
    command.workedMs = this.#work.atMostMs;
    try {
      command.sink.onReply(command, piece, true);
    } catch (error) {
      // Nobody knows how far it came: the command ends with the connection that this ends.
      this.#tellLost(command, 'partly_answered');
      throw error;
    }
    this.#owner.onAnswered();
  }

  #nothingWasExecuted(): void {
    for (let left = this.#outstanding.length; left > 0; left -= 1) {
      const command = this.#outstanding.shift() as Command;
      this.keep(command);
    }
  }

  #flushGuarded(): void {
    try {
      this.flush();
    } catch (error) {
      this.#wire.broke(error);
    }
  }
}
