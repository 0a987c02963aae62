// Hot path. An open client's commands, from its lines to its lane. Promise: what was read is taken up
// as far as the replies allow, in order; the bouncer's own answers wait for those that come first; a
// line that may not pass is answered here, and Faktory never sees it.

import { Pump, type PumpStep } from '../base/pump.ts';
import type { Lane } from '../lanes/lane.ts';
import type { OutstandingCommand } from './client-facts.ts';
import type { ClientEndReason } from './client-states.ts';
import { type Command, verbOf } from '../protocol/command.ts';
import { commandTooLong, guardText } from '../protocol/error-texts.ts';
import type { GuardRule } from '../protocol/guard.ts';
import type { LineBuffer } from '../protocol/line-buffer.ts';
import { NIL } from '../protocol/replies.ts';
import { MEANING, type Verb } from '../protocol/verbs.ts';
import type { ClientParts } from './client-parts.ts';
import type { ClientIdentity } from './command-guard.ts';

/** A FETCH that is sent later than this may be answered later than its client reads (2 s, as Faktory). */
const FETCH_SENT_WITHIN_MS = 800;
/** Commands up to this size are not counted as buffered once they are on their way. */
const COUNTED_BYTES_MIN = 4096;

type PumpParts = Pick<ClientParts, 'wiring' | 'counts' | 'settings' | 'events' | 'commandGuard'>;

/** The client whose commands they are. */
export interface PumpClient {
  /** Null before it has sent HELLO, and once it is over. */
  readonly identity: ClientIdentity | null;
  /** Whether commands may be taken up: it is there, and takes what it is told. */
  readonly takesReplies: boolean;
  /** It has said all that it had to say, or is gone. */
  readonly hasLeft: boolean;
  /** It sends `verb`, which only a worker does: whether its standing allows that. */
  mayWork(verb: Verb): boolean;
  /** Takes or asks for a worker's standing. True: `verb` may go on at once; else it waits. */
  rise(verb: Verb): boolean;
  tell(bytes: Buffer): void;
  /** Ends the client connection. `farewell`: what the client is told, null for nothing. */
  end(reason: ClientEndReason, farewell: Buffer | null): void;
}

/** `unjudged`: the guard has not been asked. */
type Verdict = GuardRule | null | 'unjudged';

export class CommandPump {
  readonly #parts: PumpParts;
  readonly #client: PumpClient;
  readonly #lines: LineBuffer;
  #lane: Lane | null = null;
  /** Commands whose reply has not been passed on to its end. */
  #outstanding = 0;
  #fetchIsOutstanding = false;
  /** Commands passed on so far, and the last of them. */
  #total = 0;
  #lastVerb: Verb = 'OTHER';
  /** When the oldest outstanding command was read, or the reply before it came; monotonic ms. */
  #dueSince = 0;
  /** Bytes of outstanding commands that are large enough to count. */
  #largeBytes = 0;
  /** A line that was read and must wait until nothing is outstanding. */
  #heldLine: Buffer | null = null;
  /** What the guard said of it: each command is judged once. */
  #heldVerdict: Verdict = 'unjudged';
  readonly #pump: Pump;
  #lastAnsweredAt = 0;
  #answers = 0;
  /** When what is taken up now was read; monotonic ms. */
  #readAt = 0;

  constructor(parts: PumpParts, client: PumpClient, lines: LineBuffer) {
    this.#parts = parts;
    this.#client = client;
    this.#lines = lines;
    this.#pump = new Pump(
      () => this.#takeNext(),
      (error) => {
        parts.events.bug(error);
        client.end('bug', null);
      },
    );
  }

  /** Commands whose reply was passed on to its end. */
  get answers(): number {
    return this.#answers;
  }

  get isIdle(): boolean {
    return this.#outstanding === 0;
  }

  /** Commands passed on so far. */
  get total(): number {
    return this.#total;
  }

  /** What the client waits for; null if it waits for nothing. */
  get outstanding(): OutstandingCommand | null {
    if (this.#outstanding === 0) return null;
    return { count: this.#outstanding, verb: this.#lastVerb, since: this.#dueSince };
  }

  /** Whether a client that has left has left something to do; a FETCH's reply is of no use to it. */
  get hasWork(): boolean {
    if (this.#heldLine !== null || this.#lines.hasLine) return true;
    return this.#outstanding > 0 && !this.#fetchIsOutstanding;
  }

  /** When the last reply came to its end; monotonic ms. */
  get lastAnsweredAt(): number {
    return this.#lastAnsweredAt;
  }

  /** Bytes read and not taken up, and those of large commands on their way. */
  get heldBytes(): number {
    return this.#lines.length + this.#largeBytes + (this.#heldLine?.length ?? 0);
  }

  /** Whether replies must go out before more is taken up. */
  get isFull(): boolean {
    if (this.#heldLine !== null) return true;
    return this.#lane !== null && !this.#lane.accepts(this.#outstanding);
  }

  /** Whether what has come of an unfinished line is more than a command may be. */
  get partialIsTooLong(): boolean {
    return this.#lines.partialLength > this.#parts.settings.current.maxCommandBytes;
  }

  /** Commands go to `lane` from now on; null: to none, until there is another. */
  connect(lane: Lane | null): void {
    this.#lane = lane;
  }

  /** The verb of the next line, which is held for the lane to come; null if none has come whole. */
  nextVerb(): Verb | null {
    for (;;) {
      const line = this.#heldLine ?? this.#lines.next();
      this.#heldLine = line;
      if (line === null) {
        if (this.partialIsTooLong) this.#refuseTooLong();
        return null;
      }
      const verb = verbOf(line);
      if (verb !== 'FETCH' || !this.#client.hasLeft) return verb;
      this.#dropHeld();
      this.#client.tell(NIL);
    }
  }

  /** A FETCH that has waited for a lane for `waitedMs`, too long, is answered with nil. */
  dropLateFetch(waitedMs: number): void {
    const line = this.#heldLine;
    if (line === null || verbOf(line) !== 'FETCH' || waitedMs < FETCH_SENT_WITHIN_MS) return;
    this.#dropHeld();
    this.#client.tell(NIL);
  }

  /** Nothing is taken up any more. */
  close(): void {
    this.#dropHeld();
  }

  /** Takes up what can be, read at `readAt` (monotonic ms). False from within itself: it goes on there. */
  run(readAt: number): boolean {
    this.#readAt = readAt;
    return this.#pump.run();
  }

  /** The reply to `command` has been passed on to its end. */
  answered(command: Command): void {
    this.#outstanding -= 1;
    this.#answers += 1;
    if (command.verb === 'FETCH') this.#fetchIsOutstanding = false;
    if (command.line.length > COUNTED_BYTES_MIN) this.#largeBytes -= command.line.length;
    const { counts, wiring } = this.#parts;
    this.#lastAnsweredAt = wiring.turns.now();
    this.#dueSince = this.#lastAnsweredAt;
    counts.commands.observeMs(command.verb, this.#lastAnsweredAt - command.readAt);
  }

  /** Handles one line; done when there is none or it has to wait. */
  #takeNext(): PumpStep {
    // Mostly one command has come. Whether there is room for another would be asked of a socket that is not at hand.
    if (this.#heldLine === null && this.#lines.length === 0) return 'done';
    const lane = this.#lane;
    const client = this.#client;
    if (lane === null || !client.takesReplies || !lane.accepts(this.#outstanding)) return 'done';
    const line = this.#heldLine ?? this.#lines.next();
    if (line === null) {
      if (this.partialIsTooLong && this.#outstanding === 0) this.#refuseTooLong();
      return 'done';
    }
    this.#heldLine = null;
    const verb = verbOf(line);
    const rule = this.#judge(verb, line);
    // The bouncer's own answers wait for those that come first.
    const isAlone = rule !== null || MEANING[verb].alone;
    if ((isAlone && this.#outstanding > 0) || this.#fetchIsOutstanding) {
      this.#hold(line, rule);
      return 'done';
    }
    if (rule === 'command_too_long') {
      this.#refuseTooLong();
      return 'done';
    }
    if (rule !== null) {
      client.tell(guardText(rule));
      return 'more';
    }
    if (verb === 'END') {
      client.end('end_command', null);
      return 'done';
    }
    if (verb === 'FETCH' && client.hasLeft) {
      // A job would find no client, or one that cannot acknowledge it.
      client.tell(NIL);
      return 'more';
    }
    if (showsWorker(verb) && !client.mayWork(verb)) {
      this.#hold(line, rule);
      if (this.#outstanding > 0 || !client.rise(verb)) return 'done';
      this.#dropHeld();
    }
    if (verb === 'FETCH') this.#fetchIsOutstanding = true;
    if (this.#outstanding === 0) this.#dueSince = this.#readAt;
    this.#outstanding += 1;
    this.#total += 1;
    this.#lastVerb = verb;
    if (line.length > COUNTED_BYTES_MIN) this.#largeBytes += line.length;
    lane.submit(verb, line, this.#readAt);
    return 'more';
  }

  /** The rule that the line breaks, or null. */
  #judge(verb: Verb, line: Buffer): GuardRule | null {
    const verdict = this.#heldVerdict;
    if (verdict !== 'unjudged') {
      this.#heldVerdict = 'unjudged';
      return verdict;
    }
    const { settings, commandGuard } = this.#parts;
    if (line.length > settings.current.maxCommandBytes) return 'command_too_long';
    const { identity } = this.#client;
    return identity === null ? null : commandGuard.blockedBy(verb, line, identity, this.#readAt);
  }

  #dropHeld(): void {
    this.#heldLine = null;
    this.#heldVerdict = 'unjudged';
  }

  #hold(line: Buffer, verdict: GuardRule | null): void {
    this.#heldLine = line;
    this.#heldVerdict = verdict;
  }

  #refuseTooLong(): void {
    this.#parts.counts.guardHits.add('command_too_long');
    this.#client.end(
      'command_too_long',
      commandTooLong(this.#parts.settings.current.maxCommandBytes),
    );
  }
}

/** Whether only a worker says `verb`. */
function showsWorker(verb: Verb): boolean {
  return verb === 'FETCH' || verb === 'BEAT';
}
