// A TCP connection in memory, whose every byte moves only when the test says so. Promise: what one
// end writes arrives at the other in order, in pieces of the test's choosing, and then its FIN; or
// RST in place of what is still on its way.

import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';

type Parcel = Buffer | 'connect' | 'fin' | 'rst';

/** The connections that exist, and what is on its way in them. */
export class MemoryNetwork {
  readonly #ends = new Set<MemorySocket>();

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
    if (end.isDeliverable) this.#ends.add(end);
    else this.#ends.delete(end);
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
  readonly #lost: Buffer[] = [];
  peer: MemorySocket | null = null;
  destroyed = false;
  #isPaused = false;
  #hasEnded = false;
  #peerHasEnded = false;
  /** Whether FIN from the peer leaves this end open for writing. */
  allowHalfOpen = false;
  writableLength = 0;
  bytesWritten = 0;

  constructor(network: MemoryNetwork) {
    super();
    this.#network = network;
  }

  /** As the code under test takes it. */
  get asSocket(): Socket {
    return this as unknown as Socket;
  }

  get isDeliverable(): boolean {
    return !this.destroyed && !this.#isPaused && this.#inbox.length > 0;
  }

  /** What has been written to this end and not been delivered. */
  get undelivered(): Buffer {
    return Buffer.concat(this.#inbox.filter((parcel) => typeof parcel !== 'string'));
  }

  /** How many writes have not been handed over yet. */
  get writes(): number {
    return this.#inbox.filter((parcel) => typeof parcel !== 'string').length;
  }

  /** What came after this end was destroyed, or was on its way when the peer reset. */
  get lost(): string {
    return Buffer.concat(this.#lost).toString();
  }

  /** Hands over the next parcel, or the first `bytes` of it. */
  deliver(bytes: number): void {
    const next = this.#inbox.shift();
    if (next === undefined) return;
    if (typeof next === 'string') {
      this.#deliverEvent(next);
    } else {
      if (bytes < next.length) this.#inbox.unshift(next.subarray(bytes));
      const lent = Buffer.from(next.subarray(0, bytes));
      this.emit('data', lent);
      // As the product's sockets do with the next read (src/base/lean-socket.ts).
      lent.fill('#');
    }
    this.#network.arm(this);
  }

  announce(): void {
    this.#take('connect');
  }

  write(bytes: Buffer | string): boolean {
    const copy = Buffer.from(bytes as string);
    if (this.destroyed) this.peer?.lose(copy);
    if (this.destroyed || this.#hasEnded) return true;
    this.bytesWritten += copy.length;
    this.peer?.receive(copy);
    return true;
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
    if (!this.destroyed) this.#take(parcel);
    else if (typeof parcel !== 'string') this.#lost.push(parcel);
  }

  /** It was written, and never came here. */
  lose(bytes: Buffer): void {
    this.#lost.push(bytes);
  }

  #take(parcel: Parcel): void {
    // RST overtakes what the kernel has not handed over yet.
    if (parcel === 'rst') {
      this.#lost.push(this.undelivered);
      this.#inbox.length = 0;
    }
    this.#inbox.push(parcel);
    this.#network.arm(this);
  }

  #deliverEvent(event: 'connect' | 'fin' | 'rst'): void {
    if (event === 'connect') {
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
    // Closing with unread bytes resets, as the kernel does.
    const isUnread = this.#inbox.some((parcel) => typeof parcel !== 'string');
    this.#network.arm(this);
    if (tell !== null && !this.#hasEnded) this.peer?.receive(isUnread ? 'rst' : tell);
    else if (tell === 'rst') this.peer?.receive('rst');
    setImmediate(() => this.emit('close', hadError));
  }
}
