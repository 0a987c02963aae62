// A TCP connection in memory, whose every byte moves only when the test says so. Promise: what one
// end writes arrives at the other in order, in pieces of the test's choosing, and then its FIN; or
// RST in place of what is still on its way. What comes to an end that is closed is answered with RST.

import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';

type Parcel = Buffer | 'connect' | 'fin' | 'rst';

/** What an end says as a whole, in place of bytes. */
export type SocketEvent = Exclude<Parcel, Buffer>;

/** The connections that exist, and what is on its way in them. */
export class MemoryNetwork {
  /** Gets what a handler throws, where a real process would die of it. */
  onUncaught: (error: unknown) => void = (error) => {
    throw error;
  };
  readonly #ends: MemorySocket[] = [];
  readonly #indexOf = new Map<MemorySocket, number>();

  /** Two ends of one connection. The near one hears 'connect' first. */
  pair(): { readonly near: MemorySocket; readonly far: MemorySocket } {
    const near = new MemorySocket(this);
    const far = new MemorySocket(this);
    near.peer = far;
    far.peer = near;
    return { near, far };
  }

  /** The end for which something is on its way may be told so. */
  arm(end: MemorySocket): void {
    const index = this.#indexOf.get(end);
    if (end.isDeliverable) {
      if (index === undefined) this.#indexOf.set(end, this.#ends.push(end) - 1);
    } else if (index !== undefined) {
      this.#indexOf.delete(end);
      const last = this.#ends.pop();
      if (last === undefined || last === end) return;
      this.#ends[index] = last;
      this.#indexOf.set(last, index);
    }
  }

  /** Ends that something can be delivered to now: the list itself, which changes with each delivery. */
  get armed(): readonly MemorySocket[] {
    return this.#ends;
  }

  /** Ends that something can be delivered to now. */
  get deliverable(): MemorySocket[] {
    return [...this.#ends];
  }
}

export class MemorySocket extends EventEmitter {
  readonly remoteAddress = '127.0.0.1';
  readonly #network: MemoryNetwork;
  readonly #inbox: Parcel[] = [];
  #inboxBytes = 0;
  readonly #lost: Buffer[] = [];
  peer: MemorySocket | null = null;
  destroyed = false;
  #isPaused = false;
  #isHeldBack = false;
  #hasEnded = false;
  #peerHasEnded = false;
  #mustDrain = false;
  #writableLength: number | null = null;
  /** Whether FIN from the peer leaves this end open for writing. */
  allowHalfOpen = false;
  /**
   * Whether a RST loses what was on its way before it. It may, wherever packets are lost or reordered;
   * what Linux has received can still be read.
   */
  resetLosesBytes = true;
  /** What the network takes from this end before the other reads; more makes write() return false. */
  networkBytes = Infinity;
  bytesWritten = 0;
  /** What has been handed over to this end. */
  bytesRead = 0;
  /** How its first writes begin. */
  readonly firstWrites: string[] = [];
  /** How its last write ends. */
  lastWrite = '';
  /** Whether it was told that it is connected. */
  hasConnected = false;
  /** Called after each write, and before what was read is handed over. */
  onWrite: (bytes: Buffer) => void = () => {};
  onRead: () => void = () => {};
  /** The next write throws what it makes, once. */
  writeError: (() => Error) | null = null;

  constructor(network: MemoryNetwork) {
    super();
    this.#network = network;
  }

  /** As the code under test takes it. */
  get asSocket(): Socket {
    return this as unknown as Socket;
  }

  get isDeliverable(): boolean {
    return !this.destroyed && !this.#isPaused && !this.#isHeldBack && this.#inbox.length > 0;
  }

  /** Whether it has said all that it had to say. */
  get hasEnded(): boolean {
    return this.#hasEnded || this.destroyed;
  }

  get writableEnded(): boolean {
    return this.#hasEnded;
  }

  /** FIN is sent at once. */
  get writableFinished(): boolean {
    return this.#hasEnded;
  }

  get writableLength(): number {
    if (this.#writableLength !== null) return this.#writableLength;
    return Math.max(0, (this.peer?.undeliveredBytes ?? 0) - this.networkBytes);
  }

  /** From now on it is as the test says. */
  set writableLength(bytes: number) {
    this.#writableLength = bytes;
  }

  /** What has been written to this end and not been delivered. */
  get undelivered(): Buffer {
    return Buffer.concat(this.#inbox.filter((parcel) => typeof parcel !== 'string'));
  }

  get undeliveredBytes(): number {
    return this.#inboxBytes;
  }

  /** How many writes have not been handed over yet. */
  get writes(): number {
    return this.#inbox.filter((parcel) => typeof parcel !== 'string').length;
  }

  /** What came after this end was destroyed, or was on its way when the peer reset. */
  get lost(): string {
    return Buffer.concat(this.#lost).toString();
  }

  /** The event that is delivered next; null for bytes, or nothing. */
  get nextEvent(): SocketEvent | null {
    const [next] = this.#inbox;
    return typeof next === 'string' ? next : null;
  }

  /** How much was written with the next bytes, and how they begin. */
  get nextBytes(): number {
    const [next] = this.#inbox;
    return typeof next === 'object' ? next.length : 0;
  }

  get nextByte(): number | null {
    const [next] = this.#inbox;
    return typeof next === 'object' ? (next[0] ?? null) : null;
  }

  /** Hands over the next parcel, or the first `bytes` of it. */
  deliver(bytes: number): void {
    const next = this.#inbox.shift();
    if (next === undefined) return;
    try {
      if (typeof next === 'string') this.#deliverEvent(next);
      else this.#deliverBytes(next, bytes);
    } catch (error) {
      this.#network.onUncaught(error);
    }
    this.#network.arm(this);
  }

  announce(): void {
    this.#take('connect');
  }

  /** The network is silent towards this end until it is released: nothing arrives, nothing is lost. */
  holdBack(): void {
    this.#isHeldBack = true;
    this.#network.arm(this);
  }

  release(): void {
    this.#isHeldBack = false;
    this.#network.arm(this);
  }

  write(bytes: Buffer | string): boolean {
    const { writeError } = this;
    this.writeError = null;
    if (writeError !== null) throw writeError();
    const copy = Buffer.from(bytes as string);
    if (this.destroyed) this.peer?.lose(copy);
    if (this.destroyed || this.#hasEnded) return true;
    this.bytesWritten += copy.length;
    this.lastWrite = copy.toString('latin1', Math.max(0, copy.length - 5));
    if (this.firstWrites.length < 2) this.firstWrites.push(copy.toString('latin1', 0, 3));
    this.peer?.receive(copy);
    this.onWrite(copy);
    this.#mustDrain = this.writableLength > 0;
    return !this.#mustDrain;
  }

  end(done?: () => void): void {
    if (done !== undefined) setImmediate(done);
    if (this.destroyed || this.#hasEnded) return;
    this.#hasEnded = true;
    this.peer?.receive('fin');
    this.#closeIfOver();
  }

  destroy(): void {
    this.#destroy('fin', false);
  }

  resetAndDestroy(): void {
    this.#destroy('rst', false);
  }

  pause(): void {
    this.#isPaused = true;
    this.#network.arm(this);
  }

  resume(): void {
    this.#isPaused = false;
    this.#network.arm(this);
  }

  isPaused(): boolean {
    return this.#isPaused;
  }

  setKeepAlive(): void {}
  setTimeout(): void {}
  cork(): void {}
  uncork(): void {}

  receive(parcel: Parcel): void {
    if (!this.destroyed) {
      this.#take(parcel);
    } else if (typeof parcel !== 'string') {
      this.#lost.push(parcel);
      this.peer?.receive('rst');
    }
  }

  /** It was written, and never came here. */
  lose(bytes: Buffer): void {
    this.#lost.push(bytes);
  }

  #take(parcel: Parcel): void {
    if (parcel === 'rst' && this.resetLosesBytes) {
      this.#lost.push(this.undelivered);
      this.#inbox.length = 0;
      this.#inboxBytes = 0;
    }
    this.#inbox.push(parcel);
    if (typeof parcel !== 'string') this.#inboxBytes += parcel.length;
    this.#network.arm(this);
  }

  #deliverBytes(parcel: Buffer, bytes: number): void {
    if (bytes < parcel.length) this.#inbox.unshift(parcel.subarray(bytes));
    const lent = Buffer.from(parcel.subarray(0, bytes));
    this.#inboxBytes -= lent.length;
    this.bytesRead += lent.length;
    this.onRead();
    try {
      this.emit('data', lent);
    } finally {
      // As the product's sockets do with the next read (src/base/lean-socket.ts).
      lent.fill('#');
    }
    this.peer?.onTaken();
  }

  /** The other end has read: this one may write again. */
  onTaken(): void {
    if (!this.#mustDrain || this.destroyed || this.writableLength > 0) return;
    this.#mustDrain = false;
    this.emit('drain');
  }

  #deliverEvent(event: SocketEvent): void {
    if (event === 'connect') {
      this.hasConnected = true;
      this.emit('connect');
    } else if (event === 'rst') {
      // Destroyed first, as Node does: who hears the error finds the connection gone.
      this.#destroy(null, true);
      this.emit('error', Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }));
    } else {
      this.#peerHasEnded = true;
      this.emit('end');
      if (!this.allowHalfOpen) this.end();
      this.#closeIfOver();
    }
  }

  #closeIfOver(): void {
    if (this.#hasEnded && this.#peerHasEnded) this.#destroy(null, false);
  }

  #destroy(tell: 'fin' | 'rst' | null, hadError: boolean): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.#network.arm(this);
    // Closing with unread bytes resets, as the kernel does.
    if (tell === 'rst' || (tell === 'fin' && this.#inboxBytes > 0)) this.peer?.receive('rst');
    else if (tell === 'fin' && !this.#hasEnded) this.peer?.receive('fin');
    setImmediate(() => this.#emitClose(hadError));
  }

  #emitClose(hadError: boolean): void {
    try {
      this.emit('close', hadError);
    } catch (error) {
      this.#network.onUncaught(error);
    }
  }
}
