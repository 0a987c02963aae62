// Whether a peer takes what is written to it. Promise: a peer that takes anything at all within the
// bound is never called stalled; one with nothing to take never is.

import type { Socket } from 'node:net';

export class WriteProgress {
  #taken = -1;
  #since = 0;

  /** Whether bytes have waited in `socket` and not one of them has left for `stallMs`. */
  hasStalled(socket: Socket, now: number, stallMs: number): boolean {
    if (socket.writableLength === 0 || stallMs === 0) {
      this.#taken = -1;
      return false;
    }
    const taken = socket.bytesWritten - socket.writableLength;
    if (taken !== this.#taken) {
      this.#taken = taken;
      this.#since = now;
      return false;
    }
    return now - this.#since >= stallMs;
  }
}
