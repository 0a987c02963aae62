// Hot path. Pooled mode as one client sees it. Promise: one command outstanding at a time, so its
// replies are in order by construction; what the client leaves behind is finished without it.

import type { Deadline } from '../base/deadlines.ts';
import { beatWid } from '../protocol/beat.ts';
import { MEANING, type Verb } from '../protocol/verbs.ts';
import { isUnreadable } from '../protocol/bulk.ts';
import type { LostFate } from '../protocol/after-loss.ts';
import type { Command } from '../protocol/command.ts';
import { isError, NIL, OK } from '../protocol/replies.ts';
import type { Acknowledgements } from './acknowledgements.ts';
import { ClientFetch, type FetchClient } from './client-fetch.ts';
import type { CommandLane } from './command-lane.ts';
import type { Lane, LaneClient, LaneLoss } from './lane.ts';
import { type CommandSender, PooledCommand } from './pooled-command.ts';
import { type QueueSet, queueSet } from './queue-set.ts';
import type { GroupClient, WorkerGroup } from './worker-group.ts';
import type { WriteGate } from './write-gate.ts';

export interface PooledParts {
  readonly commandLane: CommandLane;
  readonly gate: WriteGate;
  readonly acknowledgements: Acknowledgements;
  /** The worker's group, or the one of all clients without wid, made at their first FETCH. */
  readonly group: () => WorkerGroup;
  /** Faktory has heard of the worker `wid`, which may be another than the client's. */
  readonly onBeat: (wid: string) => void;
}

export class PooledLane implements Lane, FetchClient, GroupClient, CommandSender {
  readonly isShared = true;
  /** As which the client was let in. */
  readonly worker: string | null;
  readonly #parts: PooledParts;
  readonly #client: LaneClient;
  #group: WorkerGroup | null = null;
  #isReady = false;
  #clientIsHere = true;
  #fetch: ClientFetch | null = null;
  /** A BEAT that waits until Faktory knows the worker. */
  #heldBeat: { readonly beat: PooledCommand; readonly deadline: Deadline } | null = null;
  /** Whether its PUSHes may travel with others'. */
  #sharesPushes = true;
  #lastSetLine: Buffer = NO_LINE;
  #lastSet: QueueSet = NO_SET;

  constructor(parts: PooledParts, client: LaneClient) {
    this.#parts = parts;
    this.#client = client;
    this.worker = client.worker;
  }

  get clientIsHere(): boolean {
    return this.#clientIsHere;
  }

  get hasLeft(): boolean {
    return this.#client.hasLeft;
  }

  /** A producer is ready at once; a worker's client when Faktory knows the worker. */
  open(): void {
    if (this.worker === null) this.#ready();
    else this.#joinGroup();
  }

  accepts(outstanding: number): boolean {
    return outstanding === 0;
  }

  submit(verb: Verb, line: Buffer, readAt: number): void {
    if (verb === 'FETCH') {
      const set = this.#setOf(line);
      if (set.queues.length > 0) {
        this.#fetch = new ClientFetch(this, line, readAt, set);
        this.#joinGroup().ask(this.#fetch);
        return;
      }
    }
    const command = new PooledCommand(verb, line, readAt, this);
    if (verb === 'PUSH' && this.#sharesPushes && line.length <= SHARED_BYTES_MAX) command.mark();
    if (MEANING[verb].storesJob) this.#parts.gate.pass();
    this.#parts.commandLane.submit(command);
  }

  /** Faktory knows the worker (again). */
  onKnown(): void {
    if (!this.#isReady) this.#ready();
    const held = this.#heldBeat;
    this.#heldBeat = null;
    held?.deadline.cancel();
    if (held !== null) this.#parts.commandLane.submit(held.beat);
  }

  holdsBeat(beat: PooledCommand): boolean {
    if (this.#group === null || this.#group.isKnown || !this.#clientIsHere) return false;
    const deadline = this.#parts.commandLane.holdDeadlines.add(beat);
    this.#heldBeat = { beat, deadline };
    return true;
  }

  onBeatExpired(): void {
    this.#heldBeat = null;
  }

  /** Faktory has dropped the worker for want of BEATs. */
  expireWorker(): void {
    this.#lose('worker_expired');
  }

  onReply(command: Command, piece: Buffer, last: boolean): void {
    if (command.verb === 'BEAT' && last && !isError(piece)) this.#noteBeat(command);
    // One whose JSON Faktory cannot read takes a whole PUSHB apart: once is enough.
    if (command.verb === 'PUSH' && piece !== OK && isUnreadable(piece)) this.#sharesPushes = false;
    if (!this.#clientIsHere) return;
    const told = last ? this.#parts.acknowledgements.judge(command, piece) : piece;
    this.#client.onReply(command, told, last);
  }

  answer(command: Command, text: Buffer): void {
    if (this.#clientIsHere) this.#client.onReply(command, text, true);
  }

  holdsWrite(write: PooledCommand): boolean {
    const { gate } = this.#parts;
    if (!gate.holdsBack(write)) return false;
    gate.hold(write);
    return true;
  }

  submitHeld(write: PooledCommand): void {
    this.#parts.commandLane.submit(write);
  }

  onLost(command: Command, fate: LostFate): void {
    if (command instanceof PooledCommand) this.#parts.commandLane.recover(command, fate);
  }

  /** The client's FETCH has its answer. */
  answerFetch(fetch: ClientFetch, reply: Buffer): void {
    this.#fetch = null;
    if (!this.#clientIsHere) return;
    const isForOthers = this.#client.hasLeft && this.#group?.keepJob(reply) === true;
    this.#client.onReply(fetch, isForOthers ? NIL : reply, true);
  }

  loseOutcome(): void {
    this.#lose('outcome_unknown');
  }

  broke(): void {
    this.#lose('bug');
  }

  /** Only one reply is ever on its way, and it may be large; the client's own socket holds it. */
  pauseReplies(): void {}

  resumeReplies(): void {}

  /** Whether one is at Faktory is known to the fetch lane, which drains by itself. */
  releaseUnsentFetch(): void {}

  leave(): void {
    if (!this.#clientIsHere) return;
    this.#clientIsHere = false;
    this.#fetch?.withdraw();
    this.#fetch = null;
    this.#heldBeat?.deadline.cancel();
    this.#heldBeat = null;
    this.#group?.leave(this);
  }

  #ready(): void {
    this.#isReady = true;
    this.#client.onLaneReady();
  }

  #joinGroup(): WorkerGroup {
    if (this.#group === null) {
      this.#group = this.#parts.group();
      this.#group.join(this);
    }
    return this.#group;
  }

  #noteBeat({ line }: Command): void {
    const wid = beatWid(line);
    if (wid !== null) this.#parts.onBeat(wid);
  }

  #lose(loss: LaneLoss): void {
    if (this.#clientIsHere) this.#client.onLaneLost(loss);
  }

  /** Most clients ask with the same line each time. */
  #setOf(line: Buffer): QueueSet {
    if (!line.equals(this.#lastSetLine)) {
      this.#lastSetLine = line;
      this.#lastSet = queueSet(line);
    }
    return this.#lastSet;
  }
}

/** A larger job is better off alone: nobody waits for it, and it is not copied. */
const SHARED_BYTES_MAX = 4096;
const NO_LINE = Buffer.alloc(0);
const NO_SET: QueueSet = { key: '', queues: [] };
