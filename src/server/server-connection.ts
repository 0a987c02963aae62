// Hot path. A server connection's life, from its place to Faktory's close. Promise: the place is
// held until Faktory has closed; every command sent is either answered or reported lost, once;
// bytes that answer nothing end the connection, since nothing behind them can be trusted.
//
//   queued -> dialling -> handshake -> open -> closing -> (ended)
//      ^__________|___________|         any state but closing -> (ended), when the socket is lost
//   open -> orphaned -> closing        the client is gone, its FETCH is not answered yet

import type { Socket } from 'node:net';
import { check } from '../base/check.ts';
import { Fifo } from '../base/fifo.ts';
import type { Seat } from '../base/line.ts';
import type { ServerEndReason } from './server-states.ts';
import type { LaneName, ServerState } from './server-states.ts';
import type { LostFate } from '../protocol/after-loss.ts';
import type { Command } from '../protocol/command.ts';
import { type Hello, helloLine } from '../protocol/hello.ts';
import type { Verb } from '../protocol/verbs.ts';
import { ReplyParser, type ReplyTaker } from '../protocol/reply-parser.ts';
import { isShutdown } from '../protocol/replies.ts';
import { MEANING } from '../protocol/verbs.ts';
import type { Dialable } from './dialler.ts';
import { ServerHandshake } from './server-handshake.ts';
import type { ServerParts } from './server-parts.ts';

/** The right to this connection; released when Faktory has closed it. */
export interface HeldPlace {
  release(): void;
}

/** Who a server connection works for. */
export interface ServerOwner {
  onOpen(connection: ServerConnection): void;
  /** A reply has come to its end: one command fewer is outstanding. */
  onAnswered(connection: ServerConnection): void;
  /** The connection is over and its place is free; commands were reported lost before. */
  onEnd(connection: ServerConnection, reason: ServerEndReason): void;
}

export interface ServerOptions {
  readonly lane: LaneName;
  /** In whose name to say HELLO. */
  readonly hello: Hello;
  readonly place: HeldPlace;
  readonly owner: ServerOwner;
  /**
   * Whether commands of many clients go over it: what is sent in one turn of the event loop is
   * gathered into one write, and commands that meet Faktory's shutdown are given back as unsent.
   */
  readonly isShared: boolean;
}

/** Several small lines are copied into one buffer below this: one write costs less than a writev. */
const JOINED_BYTES_MAX = 64 * 1024;

export class ServerConnection implements Dialable, ReplyTaker {
  readonly lane: LaneName;
  readonly #parts: ServerParts;
  readonly #options: ServerOptions;
  readonly #outstanding = new Fifo<Command>();
  readonly #parser = new ReplyParser(this);
  #state: ServerState = 'queued';
  #seat: Seat<Dialable> | null = null;
  #socket: Socket | null = null;
  #endReason: ServerEndReason | null = null;
  #ended = false;
  #metShutdown = false;
  /** The socket takes nothing any more, though its 'close' is still to come. */
  #isDead = false;
  /** Part of the oldest command's reply has been passed on. */
  #isStreaming = false;
  #unflushed: Buffer[] = [];
  /** When Faktory could begin with the oldest outstanding command; monotonic ms. */
  #headSince = 0;
  #idleMsAtHead = 0;
  #readAt = 0;
  #idleMsAtRead = 0;
  #workedAtLeastMs = 0;
  readonly #flush = (): void => this.#flushNow();

  constructor(parts: ServerParts, options: ServerOptions) {
    this.#parts = parts;
    this.#options = options;
    this.lane = options.lane;
  }

  get state(): ServerState {
    return this.#state;
  }

  /** Commands sent and not yet answered to the end. */
  get outstanding(): number {
    return this.#outstanding.length;
  }

  /** Bytes sent that the network has not taken yet, and bytes of replies still being put together. */
  get bufferedBytes(): number {
    return (this.#socket?.writableLength ?? 0) + this.#parser.heldBytes;
  }

  /**
   * For how long Faktory has worked, at least, on the command that was answered last: while this
   * process waited for something to do, its reply was not there; milliseconds.
   */
  get workedAtLeastMs(): number {
    return this.#workedAtLeastMs;
  }

  /** For how long Faktory may have worked, at `now` (monotonic ms), on the oldest outstanding command. */
  unansweredMs(now: number): number {
    return this.#outstanding.length === 0 ? 0 : now - this.#headSince;
  }

  /** The verb of that command; null where nothing is outstanding. */
  get headVerb(): Verb | null {
    return this.#outstanding.peek()?.verb ?? null;
  }

  /** Asks for a dial; once. */
  open(): void {
    this.#seat = this.#parts.dialler.request(this);
  }

  dial(): void {
    this.#seat = null;
    this.#state = 'dialling';
    const { address, connectTimeoutMs, keepaliveMs } = this.#parts.settings.current;
    const socket = this.#parts.dial(address);
    this.#socket = socket;
    if (keepaliveMs > 0) socket.setKeepAlive(true, keepaliveMs);
    const dialDeadline = this.#parts.clock.after(connectTimeoutMs, () =>
      this.#attemptFailed(this.#state === 'dialling' ? 'connect_timeout' : 'handshake_timeout'),
    );
    const handshake = new ServerHandshake();
    socket.once('connect', () => {
      if (this.#state === 'dialling') this.#state = 'handshake';
    });
    const onHandshakeData = (chunk: Buffer): void => {
      this.#parts.counts.bytes.add('received', chunk.length);
      if (this.#state === 'closing') return;
      const step = handshake.read(chunk);
      switch (step.kind) {
        case 'more':
          return;
        case 'hello':
          void this.#sayHello(socket, step.challenge);
          return;
        case 'open':
          socket.off('data', onHandshakeData);
          dialDeadline.cancel();
          this.#opened(socket);
          return;
        case 'failed':
          this.#parts.onHandshakeRefused(step.what);
          this.#attemptFailed('handshake_failed');
      }
    };
    socket.on('data', onHandshakeData);
    // An error is always followed by 'close', where it is dealt with.
    socket.on('error', () => {});
    socket.once('close', (hadError) => {
      dialDeadline.cancel();
      this.#closed(socket, hadError);
    });
  }

  /** Sends `command`; its sink hears the reply. Only in state open. */
  send(command: Command): void {
    check(this.#state === 'open', 'a command was sent over a server connection that is not open');
    this.#outstanding.push(command);
    if (this.#outstanding.length === 1) this.#headBegins();
    this.#write(command.line);
  }

  /** The client is gone and a FETCH is not answered yet: stay until it is. */
  orphan(): void {
    if (this.#state === 'open') this.#state = 'orphaned';
  }

  /** Ends the connection: says nothing more, reads and drops what comes, until Faktory closes. */
  close(reason: ServerEndReason): void {
    if (this.#ended || this.#state === 'closing') return;
    this.#endReason ??= reason;
    if (this.#socket === null) {
      this.#seat?.leave();
      this.#end();
      return;
    }
    this.#state = 'closing';
    this.#flushNow();
    // Faktory reads no FIN while it works on a command, and counts the connection until it does:
    // only where it has nothing to do is a close that does not come given up.
    const isIdle = this.#outstanding.length === 0;
    this.#reportLost();
    this.#socket.resume();
    // Not destroyed in the handshake either: that would free the place before Faktory has closed.
    this.#socket.end();
    if (isIdle) this.#parts.lingering.add(this.#socket);
  }

  /** Ends the connection at once. */
  destroy(reason: ServerEndReason): void {
    this.#endReason ??= reason;
    if (this.#socket === null) {
      this.close(reason);
      return;
    }
    this.#markDead();
    this.#socket.destroy();
  }

  pauseReading(): void {
    this.#socket?.pause();
  }

  resumeReading(): void {
    this.#socket?.resume();
  }

  onReply(piece: Buffer, last: boolean): void {
    const command = this.#outstanding.peek();
    if (command === undefined) {
      this.#distrust();
      return;
    }
    if (last) {
      // The end of a streamed reply may begin with the same words: a client's own text, say.
      const isWhole = !this.#isStreaming;
      this.#isStreaming = false;
      const workedSince = this.#headSince;
      if (isWhole && this.#options.isShared && isShutdown(piece)) {
        this.#onShutdown();
        return;
      }
      this.#outstanding.shift();
      this.#headEnds();
      command.workedMs = this.#readAt - workedSince;
    } else {
      this.#isStreaming = true;
    }
    command.sink.onReply(command, piece, last);
    if (last) this.#options.owner.onAnswered(this);
  }

  #headBegins(): void {
    const { clock } = this.#parts;
    this.#headSince = clock.now();
    this.#idleMsAtHead = clock.idleMs();
  }

  /** Its reply was there when this read began, and not when the process last waited. */
  #headEnds(): void {
    this.#workedAtLeastMs = this.#idleMsAtRead - this.#idleMsAtHead;
    this.#headSince = this.#readAt;
    this.#idleMsAtHead = this.#idleMsAtRead;
  }

  wantsWhole(): boolean {
    const command = this.#outstanding.peek();
    return command !== undefined && MEANING[command.verb].reply === 'whole';
  }

  async #sayHello(
    socket: Socket,
    challenge: { readonly salt: string; readonly rounds: number } | null,
  ): Promise<void> {
    const { password } = this.#parts.settings.current;
    const passwordHash =
      challenge === null || password === ''
        ? ''
        : await this.#parts.hasher.iteratedSha256(password + challenge.salt, challenge.rounds);
    if (socket.destroyed || this.#state !== 'handshake') return;
    const line = helloLine(this.#options.hello, passwordHash);
    this.#parts.counts.bytes.add('sent', line.length);
    socket.write(line);
  }

  #opened(socket: Socket): void {
    this.#state = 'open';
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    // Set only while writes are held back: Faktory takes nothing of what is written.
    socket.on('timeout', () => this.destroy('write_stalled'));
    socket.on('drain', () => socket.setTimeout(0));
    socket.once('end', () => this.#markDead());
    socket.once('error', () => this.#markDead());
    this.#parts.dialler.succeeded(this);
    this.#options.owner.onOpen(this);
  }

  /**
   * Commands of others must go elsewhere at once: 'close' comes only after this turn of the event
   * loop, and what is sent until then would count as executed, maybe. A client that has the
   * connection to itself has nowhere else to go.
   */
  #markDead(): void {
    if (!this.#options.isShared) return;
    this.#isDead = true;
    if (this.#state === 'open') this.#state = 'closing';
  }

  #read(chunk: Buffer): void {
    this.#parts.counts.bytes.add('received', chunk.length);
    if (this.#state === 'closing') return;
    this.#readAt = this.#parts.clock.now();
    this.#idleMsAtRead = this.#parts.clock.idleMs();
    try {
      if (!this.#parser.parse(chunk)) this.#distrust();
    } catch (error) {
      this.#parts.onBug(error);
      this.destroy('bug');
    }
  }

  /** Bytes that answer nothing, or that are no reply. */
  #distrust(): void {
    this.#parts.counts.unexpectedReplies.total += 1;
    this.destroy('protocol_error');
  }

  #write(bytes: Buffer): void {
    this.#parts.counts.bytes.add('sent', bytes.length);
    if (this.#unflushed.length === 0) {
      // With nothing outstanding there is nothing to wait for: the command goes at once.
      if (this.#outstanding.length === 1) {
        this.#put(bytes);
        return;
      }
      if (this.#options.isShared) setImmediate(this.#flush);
      else process.nextTick(this.#flush);
    }
    this.#unflushed.push(bytes);
  }

  #flushNow(): void {
    const lines = this.#unflushed;
    const socket = this.#socket;
    if (lines.length === 0 || socket === null || this.#isDead) return;
    this.#unflushed = [];
    let bytes = 0;
    for (const line of lines) bytes += line.length;
    if (bytes <= JOINED_BYTES_MAX) {
      this.#put(lines.length === 1 ? (lines[0] as Buffer) : Buffer.concat(lines, bytes));
      return;
    }
    socket.cork();
    for (const line of lines) this.#put(line);
    socket.uncork();
  }

  #put(bytes: Buffer): void {
    const socket = this.#socket;
    if (socket === null || socket.write(bytes)) return;
    socket.setTimeout(this.#parts.settings.current.writeStallTimeoutMs);
  }

  /** The attempt to dial or shake hands failed: the connection keeps its place and queues again. */
  #attemptFailed(reason: ServerEndReason): void {
    const socket = this.#socket;
    if (socket === null || (this.#state !== 'dialling' && this.#state !== 'handshake')) return;
    this.#socket = null;
    this.#state = 'queued';
    socket.removeAllListeners('data');
    socket.destroy();
    this.#parts.counts.ends.add(reason);
    this.#parts.dialler.failed(this, reason);
    this.#seat = this.#parts.dialler.request(this);
  }

  #closed(socket: Socket, hadError: boolean): void {
    if (socket !== this.#socket) return;
    if (this.#endReason === null && this.#state === 'dialling') {
      this.#attemptFailed('connect_failed');
      return;
    }
    if (this.#endReason === null && this.#state === 'handshake') {
      this.#attemptFailed(hadError ? 'server_reset' : 'server_closed');
      return;
    }
    this.#endReason ??= hadError ? 'server_reset' : 'server_closed';
    this.#end();
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#state = 'closing';
    if (this.#socket !== null) this.#parts.lingering.remove(this.#socket);
    this.#parts.dialler.abandoned(this);
    const reason = this.#endReason ?? 'server_closed';
    this.#parts.counts.ends.add(reason);
    this.#parts.forget(this);
    this.#reportLost();
    this.#options.place.release();
    this.#options.owner.onEnd(this, reason);
  }

  /** Faktory has executed neither this command nor any behind it, and closes. */
  #onShutdown(): void {
    this.#metShutdown = true;
    this.#endReason ??= 'server_shutdown';
    this.#state = 'closing';
    this.#reportLost();
    this.#socket?.end();
    if (this.#socket !== null) this.#parts.lingering.add(this.#socket);
  }

  #reportLost(): void {
    const unflushed = this.#unflushed.length;
    this.#unflushed = [];
    // A FETCH's reply is held until it is whole: one that was cut held a job.
    const isCut = this.wantsWhole() ? this.#parser.isInsideReply : this.#parser.hasPassedOn;
    let fate: LostFate = isCut ? 'partly_answered' : 'unanswered';
    for (let c = this.#outstanding.shift(); c !== undefined; c = this.#outstanding.shift()) {
      const wasSent = this.#outstanding.length >= unflushed && !this.#metShutdown;
      c.sink.onLost(c, wasSent ? fate : 'unsent');
      fate = 'unanswered';
    }
  }
}
