// Which peers may hold an admin connection. Promise: there are never more than the limit, and a new
// one always gets in: the one that has been without a whole request for longest is closed. So a probe
// is answered, whatever the other connections do. Each has at most one request that is being answered.

import type { Socket } from 'node:net';

export class AdminConnections {
  readonly #limit: number;
  /** Without a request under way; the one that has been so for longest comes first. */
  readonly #waiting = new Set<Socket>();
  /** With a request that is being answered. */
  readonly #answering = new Set<Socket>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#waiting.size + this.#answering.size;
  }

  /** A connection was accepted; one that gives way to it is cut off. */
  opened(socket: Socket): void {
    if (this.size >= this.#limit) this.#makeRoom();
    this.#waiting.add(socket);
    socket.once('close', () => {
      this.#waiting.delete(socket);
      this.#answering.delete(socket);
    });
  }

  /** A whole request has come. False: another one is being answered, and the connection is cut off. */
  asked(socket: Socket): boolean {
    if (!this.#waiting.delete(socket)) {
      this.#answering.delete(socket);
      socket.destroy();
      return false;
    }
    this.#answering.add(socket);
    return true;
  }

  /** Its answer has been handed to the system. */
  answered(socket: Socket): void {
    if (this.#answering.delete(socket) && !socket.destroyed) this.#waiting.add(socket);
  }

  #makeRoom(): void {
    const [longest] = this.#waiting;
    const cut = longest ?? [...this.#answering][0];
    if (cut === undefined) return;
    this.#waiting.delete(cut);
    this.#answering.delete(cut);
    cut.destroy();
  }
}
