// One connection to a Faktory or a bouncer, dial to close: handshake, then replies as they come.
// Promise: cheap enough for thousands (one read buffer for all), and `closed` is called exactly once,
// last. What to say, and whether to come again, is the owner's.

import { connect } from 'node:net';
import type { Socket } from 'node:net';
import type { DialGate } from './dial-gate.ts';
import { ReplyReader } from './reply-reader.ts';
import type { Reply } from './reply-reader.ts';

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** What becomes of a connection, told to the one who asked for it. */
export interface ConnectionOwner {
  /** `+OK` to HELLO has come. */
  admitted(connection: Connection): void;
  /** An error in place of `+HI` or `+OK`; `closed` follows. */
  refused(text: string): void;
  replied(reply: Reply, connection: Connection): void;
  /** `why` is an error's code, or empty after an ordinary end. */
  closed(why: string): void;
}

/**
 * dialling: no `+HI` yet. waiting: HELLO is sent, no answer yet. admitted: commands may be sent.
 * ended: refused or left; only the close is to come.
 */
export type ConnectionState = 'dialling' | 'waiting' | 'admitted' | 'ended';

/** Reads of all sockets land here one after another: each is handled before the next. */
const READ_BUFFER = Buffer.allocUnsafe(64 * 1024);

export class Connection {
  readonly #owner: ConnectionOwner;
  readonly #gate: DialGate;
  readonly #hello: string;
  readonly #socket: Socket;
  readonly #reader = new ReplyReader();
  #state: ConnectionState = 'dialling';
  #inGate = true;
  #why = '';

  /** Dials at once: `gate` has let this one in, and is left when `+HI` has come. */
  constructor(address: Address, hello: string, gate: DialGate, owner: ConnectionOwner) {
    this.#owner = owner;
    this.#gate = gate;
    this.#hello = hello;
    const take = (reply: Reply): void => this.#take(reply);
    this.#socket = connect({
      host: address.host,
      port: address.port,
      noDelay: true,
      onread: {
        buffer: READ_BUFFER,
        callback: (length) => {
          this.#reader.feed(READ_BUFFER.subarray(0, length), take);
          return true;
        },
      },
    });
    this.#socket.on('error', (error: NodeJS.ErrnoException) => {
      this.#why = error.code ?? error.message;
    });
    this.#socket.on('close', () => {
      this.#state = 'ended';
      this.#leaveGate();
      this.#owner.closed(this.#why);
    });
  }

  get state(): ConnectionState {
    return this.#state;
  }

  send(line: string): void {
    this.#socket.write(line);
  }

  /** Leaves politely; a close follows. */
  end(): void {
    if (this.#state === 'admitted') this.#socket.write('END\r\n');
    this.#state = 'ended';
    this.#socket.end();
  }

  /** Leaves at once, as a crashed process does; a close follows. */
  destroy(): void {
    this.#state = 'ended';
    this.#socket.destroy();
  }

  #take(reply: Reply): void {
    switch (this.#state) {
      case 'dialling':
        this.#leaveGate();
        if (reply.kind !== 'text' || !reply.text.startsWith('HI')) return this.#refuse(reply);
        this.#state = 'waiting';
        this.#socket.write(this.#hello);
        return;
      case 'waiting':
        if (reply.kind !== 'text') return this.#refuse(reply);
        this.#state = 'admitted';
        this.#owner.admitted(this);
        return;
      case 'admitted':
        this.#owner.replied(reply, this);
        return;
      case 'ended':
        return;
    }
  }

  #refuse(reply: Reply): void {
    this.#state = 'ended';
    this.#owner.refused(reply.kind === 'error' ? reply.text : `unexpected ${reply.kind} reply`);
    this.#socket.end();
  }

  #leaveGate(): void {
    if (!this.#inGate) return;
    this.#inGate = false;
    this.#gate.leave();
  }
}

/** The HELLO of a client; a producer has no wid. */
export function helloLine(wid: string | null): string {
  const fields = {
    v: 2,
    ...(wid !== null && { wid }),
    hostname: 'load',
    pid: process.pid,
    labels: ['load'],
  };
  return `HELLO ${JSON.stringify(fields)}\r\n`;
}
