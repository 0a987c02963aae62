// Hot path. What a client sends and what it is told. Promise: no more is read than the bounds allow, for
// this client and for all together, and reading goes on as soon as they allow it again; while a
// client takes no replies, none are fetched for it and nothing more is taken up, and what it has not
// taken counts.

import type { Debtor } from '../base/buffer-budget.ts';
import type { BufferReader } from '../base/buffer-readers.ts';
import type { Wire } from '../base/wire.ts';
import type { Lane } from '../lanes/lane.ts';
import type { Command } from '../protocol/command.ts';
import { LineBuffer } from '../protocol/line-buffer.ts';
import type { Verb } from '../protocol/verbs.ts';
import type { ClientParts } from './client-parts.ts';
import type { ClientFacts } from './client-facts.ts';
import { CommandPump, type PumpClient } from './command-pump.ts';

/**
 * What a client may send ahead of the replies before its socket is not read for a while. Of a client
 * that closes without reading its replies nothing is lost up to here, whether it is executed or not: more than
 * Linux takes for a connection that nobody reads (128 KiB at first).
 */
const READ_AHEAD_BYTES = 256 * 1024;

/** Longer than a network delays the rest of a command that has begun to arrive. */
const HALF_SAID_FOR_MS = 10_000;

/** What of the bytes that come is taken up now. */
export type Taken = 'hello' | 'commands' | 'nothing';

/** The client whose traffic it is. */
export interface TrafficClient extends PumpClient {
  /** It leaves replies untaken while others need the memory: its connection ends at once. */
  giveUp(): void;
}

export class ClientTraffic implements BufferReader, Debtor {
  /** All that has come and is not taken up. */
  readonly lines = new LineBuffer();
  readonly #wire: Wire;
  readonly #parts: ClientParts;
  readonly #client: TrafficClient;
  readonly #commands: CommandPump;
  #lane: Lane | null = null;
  #takesReplies = true;
  /** What the budget knows of; most clients hold nothing at most times. */
  #heldBytes = 0;
  #lastReadAt: number;
  #receivedBytes = 0;

  constructor(parts: ClientParts, wire: Wire, client: TrafficClient) {
    this.#parts = parts;
    this.#wire = wire;
    this.#client = client;
    this.#commands = new CommandPump(parts, client, this.lines);
    this.#lastReadAt = parts.clock.now();
  }

  /** When the client last sent anything; monotonic ms. */
  get lastReadAt(): number {
    return this.#lastReadAt;
  }

  get facts(): Pick<ClientFacts, 'commands' | 'outstanding' | 'bytesReceived'> {
    return {
      commands: this.#commands.total,
      outstanding: this.#commands.outstanding,
      bytesReceived: this.#receivedBytes,
    };
  }

  /** Whether commands may be taken up: the network has room for their replies. */
  get takesReplies(): boolean {
    return this.#takesReplies;
  }

  /** Whether nothing is outstanding, in either direction. */
  get isIdle(): boolean {
    return this.#commands.isIdle && this.#takesReplies;
  }

  /** Whether nothing that has come waits to be taken up, and nothing keeps more from coming. */
  get isAtRest(): boolean {
    if (this.#heldBytes > 0 || this.#wire.isPaused) return false;
    return this.#takesReplies && this.#commands.heldBytes === 0;
  }

  /**
   * Since when nothing is outstanding, monotonic ms, also one to come: of who has stopped within a command
   * more may still be on its way. Null while something is outstanding, or the bouncer does not read.
   */
  get idleSince(): number | null {
    if (!this.isIdle || this.#wire.isPaused) return null;
    const since = Math.max(this.#lastReadAt, this.#commands.lastAnsweredAt);
    return this.lines.length > 0 ? since + HALF_SAID_FOR_MS : since;
  }

  /** Commands that were answered. */
  get commands(): number {
    return this.#commands.answers;
  }

  /** Whether everybody else waits for this client to go on. */
  get holdsUpOthers(): boolean {
    return this.#parts.budget.commands.holdsUpOthers(this);
  }

  /** Bytes that the client was told and has not taken. */
  get untaken(): number {
    return this.#wire.untaken;
  }

  /** Whether a client that has left has left whole commands, outstanding or behind those. */
  get hasWork(): boolean {
    return this.#commands.hasWork;
  }

  /** Bytes have come, at `now` (monotonic ms); they are borrowed. */
  received(chunk: Buffer, now: number): void {
    this.#lastReadAt = now;
    this.#receivedBytes += chunk.length;
    this.lines.push(chunk);
  }

  /** Commands go to `lane` from now on; null: to none, until there is another. */
  connect(lane: Lane | null): void {
    this.#lane = lane;
    this.#commands.connect(lane);
  }

  /** The verb of the next command, which waits for a lane; null if none has come whole. */
  nextVerb(): Verb | null {
    return this.#commands.nextVerb();
  }

  /** At `now` (monotonic ms) the client has its lane: a FETCH that waited too long for it gets nil. */
  dropLateFetch(now: number): void {
    this.#commands.dropLateFetch(now - this.#lastReadAt);
  }

  /** Takes up what has been read, as far as its replies allow. False from within itself: it goes on there. */
  takeUp(): boolean {
    return this.#commands.run(this.#lastReadAt);
  }

  /** A piece of the reply to `command`. */
  reply(command: Command, piece: Buffer, last: boolean): void {
    this.tell(piece);
    if (!last) return;
    const { watch, wiring } = this.#parts;
    if (watch !== null) watch.answered(command, piece, wiring.turns.now());
    this.#commands.answered(command);
  }

  tell(bytes: Buffer): void {
    if (this.#wire.write(bytes)) return;
    this.#takesReplies = false;
    this.#lane?.pauseReplies();
    this.#parts.budget.owes(this);
  }

  /** What was told has been taken, or never will be. */
  drained(): void {
    if (this.#takesReplies) return;
    this.#takesReplies = true;
    this.#parts.budget.settled(this);
    this.#lane?.resumeReplies();
  }

  /** Reads on, or pauses, where `taken` of what comes is taken up. */
  regulate(taken: Taken): void {
    if (this.lines.length > READ_AHEAD_BYTES && this.#isStuck(taken))
      this.#wire.pause('read_ahead');
    else this.#wire.resume('read_ahead');
    const { heldBytes } = this.#commands;
    if (heldBytes === 0 && this.#heldBytes === 0) return;
    this.#heldBytes = heldBytes;
    if (this.#parts.budget.commands.hold(this, heldBytes)) this.#wire.resume('budget');
    else this.#wire.pause('budget');
  }

  onRoom(): void {
    this.#wire.resume('budget');
  }

  giveUp(): void {
    this.#client.giveUp();
  }

  /** Nothing is taken up any more, and nothing that the client sent is held. */
  close(): void {
    this.connect(null);
    this.#commands.close();
    this.lines.clear();
    this.#heldBytes = 0;
    this.#parts.budget.commands.leave(this);
  }

  #isStuck(taken: Taken): boolean {
    switch (taken) {
      case 'hello':
        return false;
      case 'nothing':
        return true;
      case 'commands':
        return this.#commands.partialIsTooLong || !this.#takesReplies || this.#commands.isFull;
    }
  }
}
