// Hot path. When a session client's commands go to Faktory. Promise: in order; not before the client has
// a slot among those with commands at Faktory, and no write while its acknowledgement would mean
// nothing; what waits too long is answered instead of sent.

import type { Deadline, Deadlines } from '../base/deadlines.ts';
import { Fifo } from '../base/fifo.ts';
import type { Command } from '../protocol/command.ts';
import { UNREACHABLE } from '../protocol/error-texts.ts';
import { MEANING } from '../protocol/verbs.ts';
import type { Pause } from '../server/pause.ts';
import type { ServerConnection } from '../server/server-connection.ts';
import type { CommandSlots, SlotTaker } from './command-slots.ts';
import type { HeldWrite, WriteGate } from './write-gate.ts';

export interface SessionSenderParts {
  readonly slots: CommandSlots;
  readonly gate: WriteGate;
  readonly pause: Pause;
  /** For commands that wait for a slot. */
  readonly slotDeadlines: Deadlines<SessionSender>;
  /** Whether a command has waited as long as it may. */
  readonly hasWaited: (command: Command) => boolean;
}

/** The client whose commands they are. */
export interface SenderClient {
  /** The bouncer's own answer to a command that was not sent. */
  answer(command: Command, text: Buffer): void;
}

/**
 * `none`: no command that needs one is at Faktory. `waiting`: those that have come wait for one. `held`:
 * they wait until writes may be sent. `given_up`: they have waited too long, and are answered after what
 * is at Faktory. `taken`: they are sent.
 */
type Slot = 'none' | 'waiting' | 'held' | 'given_up' | 'taken';

export class SessionSender implements SlotTaker {
  readonly #parts: SessionSenderParts;
  readonly #client: SenderClient;
  readonly #server: ServerConnection;
  #slot: Slot = 'none';
  /** Commands that wait for a slot, in order. */
  readonly #unsent = new Fifo<Command>();
  #deadline: Deadline | null = null;
  /** What those are answered that are given up. */
  #refusal: Buffer = UNREACHABLE;
  #clientIsHere = true;

  constructor(parts: SessionSenderParts, client: SenderClient, server: ServerConnection) {
    this.#parts = parts;
    this.#client = client;
    this.#server = server;
  }

  /** Whether its client, and its server connection, are there. */
  get isHere(): boolean {
    return this.#clientIsHere && this.#server.state === 'open';
  }

  get wantsSlot(): boolean {
    return this.#slot === 'waiting';
  }

  /** Whether a command may join those outstanding: one that is held must be the only one. */
  get mayPipeline(): boolean {
    return this.#parts.gate.isOpenForAll && !this.#parts.pause.isPaused;
  }

  /** Sends `command`, or keeps it until it may be sent. */
  submit(command: Command): void {
    const { gate } = this.#parts;
    if (MEANING[command.verb].storesJob) {
      if (gate.holdsBack(command)) {
        gate.hold(new HeldCommand(this, command));
        return;
      }
      gate.pass();
    }
    this.sendOrWait(command);
  }

  /** The gate has nothing against it. */
  sendOrWait(command: Command): void {
    const { slots, pause } = this.#parts;
    // While the bouncer is paused nobody has a slot, and no command goes without one.
    const needsSlot = MEANING[command.verb].redis !== 'untouched' || pause.isPaused;
    if (this.#slot === 'none' && needsSlot && slots.take()) this.#slot = 'taken';
    if (this.#slot === 'taken' || (this.#slot === 'none' && !needsSlot)) {
      this.#server.send(command);
      return;
    }
    this.#unsent.push(command);
    if (this.#slot !== 'none') return;
    // During a pause one command comes at a time: its time began when it was read, behind others.
    if (pause.isPaused && this.#parts.hasWaited(command)) {
      this.giveUp(UNREACHABLE);
      return;
    }
    this.#slot = 'waiting';
    slots.wait(this);
    this.#deadline = this.#parts.slotDeadlines.add(this);
  }

  granted(): void {
    this.#deadline?.cancel();
    const { gate, slots } = this.#parts;
    if (!this.#mustHold()) {
      this.#slot = 'taken';
      this.#sendUnsent();
      return;
    }
    // It has waited since a time when writes could be sent.
    this.#slot = 'held';
    slots.release();
    gate.hold(new HeldUnsent(this, this.#unsent.peek()?.readAt ?? 0));
  }

  /** Those that were held may be sent. */
  sendHeld(): void {
    this.#slot = 'none';
    // Each may have to wait again, behind those that are here.
    for (let left = this.#unsent.length; left > 0; left -= 1) {
      this.sendOrWait(this.#unsent.shift() as Command);
    }
  }

  /** A reply has come to its end. */
  onAnswered(): void {
    if (this.#slot === 'taken' && this.#server.outstanding === 0) this.#release();
  }

  /** What waited for a slot has waited as long as it may: Faktory has not seen it. */
  onDeadline(): void {
    this.giveUp(UNREACHABLE);
  }

  /** What has not been sent will not be. */
  giveUp(refusal: Buffer): void {
    this.#slot = 'given_up';
    this.#refusal = refusal;
    this.answerGivenUp();
  }

  /** What was sent before, since it needs no slot, is answered first; called after each such answer. */
  answerGivenUp(): void {
    if (this.#slot !== 'given_up' || this.#server.outstanding > 0) return;
    this.#slot = 'none';
    // What comes because of an answer is not one of them.
    for (let left = this.#unsent.length; left > 0; left -= 1) {
      this.answer(this.#unsent.shift() as Command, this.#refusal);
    }
  }

  answer(command: Command, text: Buffer): void {
    if (this.#clientIsHere) this.#client.answer(command, text);
  }

  /**
   * The client has left: what it had said in full is sent, whatever the limit, as if Faktory had it; but
   * not during a pause.
   */
  leave(): void {
    this.#clientIsHere = false;
    this.#deadline?.cancel();
    if (this.#slot !== 'waiting') return;
    this.#slot = 'none';
    if (this.mayPipeline) this.#sendUnsent();
  }

  /** The server connection is over. */
  onEnd(): void {
    this.#deadline?.cancel();
    while (this.#unsent.length > 0) this.#unsent.shift();
    if (this.#slot === 'taken') this.#release();
    this.#slot = 'none';
  }

  /** Whether one of those that wait is a write that may not be sent. */
  #mustHold(): boolean {
    const { gate } = this.#parts;
    if (gate.isOpenForAll) return false;
    for (const one of this.#unsent) {
      if (MEANING[one.verb].storesJob && gate.holdsBack(one)) return true;
    }
    return false;
  }

  #sendUnsent(): void {
    const isOpen = this.#server.state === 'open';
    for (let c = this.#unsent.shift(); c !== undefined; c = this.#unsent.shift()) {
      if (isOpen) this.#server.send(c);
    }
  }

  #release(): void {
    this.#slot = 'none';
    this.#parts.slots.release();
  }
}

/** A write that waits for the server to be sound. */
class HeldCommand implements HeldWrite {
  readonly #sender: SessionSender;
  readonly #command: Command;

  constructor(sender: SessionSender, command: Command) {
    this.#sender = sender;
    this.#command = command;
  }

  get readAt(): number {
    return this.#command.readAt;
  }

  get isWorthSending(): boolean {
    return this.#sender.isHere;
  }

  goOn(): void {
    this.#sender.sendOrWait(this.#command);
  }

  refuse(text: Buffer): void {
    this.#sender.answer(this.#command, text);
  }
}

/** What waited for a slot, and has to wait on for the server to be sound. */
class HeldUnsent implements HeldWrite {
  readonly #sender: SessionSender;
  readonly readAt: number;

  constructor(sender: SessionSender, readAt: number) {
    this.#sender = sender;
    this.readAt = readAt;
  }

  get isWorthSending(): boolean {
    return this.#sender.isHere;
  }

  goOn(): void {
    this.#sender.sendHeld();
  }

  refuse(text: Buffer): void {
    this.#sender.giveUp(text);
  }
}
