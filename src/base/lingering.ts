// Sockets that have said all they had to say. Promise: one that the peer does not close in turn
// within the bound is destroyed.

import type { Socket } from 'node:net';
import type { Clock } from './clock.ts';
import { type Deadline, Deadlines } from './deadlines.ts';

export class Lingering {
  readonly #deadlines: Deadlines<Socket>;
  readonly #entries = new Map<Socket, Deadline>();

  constructor(clock: Clock, lingerMs: number) {
    this.#deadlines = new Deadlines(
      clock,
      () => lingerMs,
      (socket) => {
        this.#entries.delete(socket);
        socket.destroy();
      },
    );
  }

  add(socket: Socket): void {
    if (!this.#entries.has(socket)) this.#entries.set(socket, this.#deadlines.add(socket));
  }

  remove(socket: Socket): void {
    this.#entries.get(socket)?.cancel();
    this.#entries.delete(socket);
  }
}
