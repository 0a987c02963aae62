// Hot path. One end of a connection, to a client or to Faktory alike. Promise: every byte is counted; a
// peer that does not take what is written is noticed in time; after its end the wire reads only what
// the farewell needs; the owner hears of the end once, and an exception in it ends this wire only.
//
//   new -> (dialling | staged) -> open -> leaving -> over
//   any -> over: the peer, the network or a defect ends it

import { canonicalAddress } from './address-list.ts';
import type { CountBy } from './counters.ts';
import type { Lingering } from './lingering.ts';
import { reset } from './reset.ts';
import type { StallWatch, Watched } from './stall-watch.ts';
import type { Turns } from './turns.ts';
import type { Parting, PauseReason, WireEnd, WireOwner } from './wire-owner.ts';
import type { StageFault, WireSocket, WireStage, WireStageResult } from './wire-socket.ts';

const PAUSES: Readonly<Record<PauseReason, number>> = { read_ahead: 1, budget: 2, replies: 4 };

/** Hears that a stage did not let the peer through, and a library's word for why. */
export type Refused = (fault: StageFault, detail: string | null) => void;

/** What all wires of a bouncer share. */
export interface Wiring {
  readonly turns: Turns;
  readonly stalls: StallWatch;
  readonly lingering: Lingering;
  /** A defect ended a wire. */
  readonly onBug: (error: unknown) => void;
}

/** What a farewell needs to be read: what the peer had sent before it could read the farewell. */
export const FAREWELL_BYTES_MAX = 16 * 1024;
/** Pieces are copied into one buffer below this: one write costs less than a writev. */
const JOINED_BYTES_MAX = 64 * 1024;

type WireState =
  | 'new'
  | 'dialling'
  /** The socket is its stage's. */
  | 'staged'
  /** The owner has heard onReady(). */
  | 'open'
  /** The owner has closed it; nothing is told until the end. */
  | 'leaving'
  /** The owner has heard onClose(). */
  | 'over';

export class Wire implements Watched {
  readonly #wiring: Wiring;
  readonly #counts: CountBy<'received' | 'sent'>;
  #socket: WireSocket;
  #owner: WireOwner;
  #state: WireState = 'new';
  #remoteAddress: string;
  /** The reasons for which it is not read, as bits. */
  #pauses = 0;
  #written = 0;
  #received = 0;
  /** What the socket's close means. */
  #end: WireEnd = { kind: 'closed' };
  /** After close(): bytes that may still come. */
  #dropBytesLeft = 0;

  constructor(
    wiring: Wiring,
    counts: CountBy<'received' | 'sent'>,
    socket: WireSocket,
    owner: WireOwner,
  ) {
    this.#wiring = wiring;
    this.#counts = counts;
    this.#socket = socket;
    this.#owner = owner;
    this.#remoteAddress = canonicalAddress(socket.remoteAddress ?? '');
  }

  /** Empty if the system does not know it; IPv4 where it is one within IPv6. */
  get remoteAddress(): string {
    return this.#remoteAddress;
  }

  /** Whether the owner may write, and hears what comes. */
  get isOpen(): boolean {
    return this.#state === 'open';
  }

  /** Whether the owner has heard onClose(), or is hearing it. */
  get isOver(): boolean {
    return this.#state === 'over';
  }

  get isPaused(): boolean {
    return this.#pauses !== 0;
  }

  /** Bytes so far, dropped ones included. */
  get received(): number {
    return this.#received;
  }

  get written(): number {
    return this.#written;
  }

  /** Bytes written that the network has not taken. */
  get untaken(): number {
    return this.#socket.writableLength;
  }

  /** Begins with an accepted socket. */
  open(): void {
    this.#hearOfTheEnd(this.#socket);
    this.#hearOfTraffic(this.#socket);
    this.#isReady();
  }

  /**
   * Begins with an accepted socket, and reads through `stage` first. If that does not let the peer
   * through, `refused` hears why instead of onReady(), and has to close the wire.
   */
  openThrough(stage: WireStage, refused: Refused): void {
    const socket = this.#socket;
    this.#hearOfTheEnd(socket);
    this.#state = 'staged';
    // A lean socket drops what it reads for nobody.
    socket.pause();
    this.#guarded(() =>
      stage.begin(socket, (result) => this.#guarded(() => this.#staged(socket, result, refused))),
    );
  }

  /** Begins with a socket that is being dialled; `ready`: what it says when that is done. */
  openDialled(ready: 'connect' | 'secureConnect' = 'connect'): void {
    const socket = this.#socket;
    this.#state = 'dialling';
    this.#hearOfTheEnd(socket);
    this.#hearOfTraffic(socket);
    socket.on(ready, () => {
      if (this.#state === 'dialling') this.#isReady();
    });
  }

  /** From now on `owner` hears everything. */
  handOver(owner: WireOwner): void {
    this.#owner = owner;
  }

  /** TCP asks whether the peer is still there after `idleMs` of silence; 0: never. */
  keepAlive(idleMs: number): void {
    if (idleMs > 0) this.#socket.setKeepAlive(true, idleMs);
  }

  /**
   * Writes `bytes`, which the wire keeps until they are taken. False if the owner should wait for
   * onDrain(). Before onReady() and after the end they are dropped.
   */
  write(bytes: Buffer): boolean {
    if (this.#state !== 'open') return true;
    const hasRoom = this.#put(bytes);
    if (this.#socket.writableLength > 0) this.#wiring.stalls.watch(this);
    return hasRoom;
  }

  /** Writes `pieces` with as few calls of the system as possible. */
  writeAll(pieces: readonly Buffer[]): boolean {
    if (pieces.length === 1) return this.write(pieces[0] as Buffer);
    let bytes = 0;
    for (const piece of pieces) bytes += piece.length;
    if (bytes <= JOINED_BYTES_MAX) return this.write(Buffer.concat(pieces, bytes));
    if (this.#state !== 'open') return true;
    let hasRoom = true;
    this.#socket.cork();
    for (const piece of pieces) hasRoom = this.#put(piece);
    this.#socket.uncork();
    if (this.#socket.writableLength > 0) this.#wiring.stalls.watch(this);
    return hasRoom;
  }

  pause(reason: PauseReason): void {
    if (this.#pauses === 0 && this.#state === 'open') this.#socket.pause();
    this.#pauses |= PAUSES[reason];
  }

  resume(reason: PauseReason): void {
    if (this.#pauses === 0) return;
    this.#pauses &= ~PAUSES[reason];
    if (this.#pauses === 0 && this.#state === 'open') this.#socket.resume();
  }

  /**
   * Says `farewell` and parts; the owner hears nothing more but onClose(). What comes until then is
   * read and dropped, since unread bytes would turn the close into a reset and the farewell could be
   * lost on its way; past `dropBytesMax` the wire is reset, so that the peer's next write fails.
   * Within a stage there is no way to say anything: the wire is destroyed.
   */
  close(
    farewell: Buffer | null,
    parting: Parting,
    dropBytesMax: number = this.#bytesThatFarewellNeeds(farewell),
  ): void {
    if (this.#state === 'leaving' || this.#state === 'over') return;
    if (this.#state === 'staged') {
      this.destroy();
      return;
    }
    if (farewell !== null) this.write(farewell);
    this.#state = 'leaving';
    this.#dropBytesLeft = parting === 'await_fin_patiently' ? Infinity : dropBytesMax;
    this.#socket.resume();
    switch (parting) {
      case 'fin':
        this.#socket.end(() => this.#linger());
        return;
      case 'fin_and_gone':
        this.#socket.end(() => void this.#socket.destroy());
        return;
      case 'await_fin':
        this.#linger();
        return;
      case 'await_fin_patiently':
    }
  }

  /** Ends the wire at once; onClose() comes later. */
  destroy(): void {
    if (this.#state === 'over') return;
    this.#state = 'leaving';
    this.#socket.destroy();
  }

  /** Ends the wire because of a defect that was met on its behalf elsewhere: in a timer, say. */
  broke(error: unknown): void {
    this.#wiring.onBug(error);
    this.#socket.destroy();
    this.#endsWith({ kind: 'bug' });
  }

  stalled(): void {
    this.#socket.destroy();
    this.#endsWith({ kind: 'stalled' });
  }

  #put(bytes: Buffer): boolean {
    this.#written += bytes.length;
    try {
      this.#counts.add('sent', bytes.length);
      return this.#socket.write(bytes);
    } catch (error) {
      // The owner may be in the middle of something: it hears of the end in a turn of its own.
      this.#wiring.onBug(error);
      this.#end = { kind: 'bug' };
      this.#socket.destroy();
      return true;
    }
  }

  #isReady(): void {
    this.#state = 'open';
    if (this.#pauses !== 0) this.#socket.pause();
    this.#guarded(() => this.#owner.onReady());
  }

  #hearOfTraffic(socket: WireSocket): void {
    socket.on('data', (chunk) => this.#read(chunk));
    socket.on('end', () => this.#peerEnded());
    socket.on('drain', () => {
      if (this.#state === 'open') this.#guarded(() => this.#owner.onDrain());
    });
  }

  #hearOfTheEnd(socket: WireSocket): void {
    // Told at once: 'close' comes only after whatever else this turn of the event loop brings.
    socket.on('error', (error) => {
      socket.destroy();
      this.#endsWith({ kind: 'failed', code: error.code ?? error.message });
    });
    socket.on('close', () => this.#endsWith(this.#end));
  }

  #staged(raw: WireSocket, result: WireStageResult, refused: Refused): void {
    if (this.#state !== 'staged') return;
    this.#remoteAddress = result.remoteAddress;
    if (result.socket !== null) {
      this.#socket = result.socket;
      if (result.socket !== raw) this.#hearOfTheEnd(result.socket);
      this.#hearOfTraffic(result.socket);
    }
    if (result.kind === 'refused') {
      if (result.socket !== null) this.#state = 'open';
      refused(result.fault, result.detail);
      return;
    }
    if (this.#pauses === 0) result.socket.resume();
    this.#isReady();
    if (result.rest !== null) this.#read(result.rest);
  }

  #read(chunk: Buffer): void {
    this.#received += chunk.length;
    if (this.#state !== 'open') {
      this.#guarded(() => this.#drop(chunk.length));
      return;
    }
    const { turns } = this.#wiring;
    const now = turns.event();
    try {
      this.#counts.add('received', chunk.length);
      this.#owner.onData(chunk, now);
    } catch (error) {
      this.broke(error);
    }
    turns.handled();
  }

  #drop(bytes: number): void {
    this.#counts.add('received', bytes);
    this.#dropBytesLeft -= bytes;
    if (this.#dropBytesLeft >= 0) return;
    this.#socket.pause();
    // A mere close would let the peer write once more before it is told.
    reset(this.#socket);
  }

  #peerEnded(): void {
    if (this.#state === 'open') this.#guarded(() => this.#owner.onEnd());
    else if (this.#state === 'leaving') this.#socket.end(() => {});
  }

  #bytesThatFarewellNeeds(farewell: Buffer | null): number {
    return farewell === null && this.#socket.writableLength === 0 ? 0 : FAREWELL_BYTES_MAX;
  }

  #linger(): void {
    if (this.#state === 'leaving') this.#wiring.lingering.add(this);
  }

  /** Per connection, not per command. */
  #guarded(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.broke(error);
    }
  }

  #endsWith(end: WireEnd): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    this.#wiring.lingering.remove(this);
    this.#wiring.stalls.forget(this);
    try {
      this.#owner.onClose(end);
    } catch (error) {
      this.#wiring.onBug(error);
    }
  }
}
