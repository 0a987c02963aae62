// A client that sends lines and reads replies as bytes, of its own so that nothing of the project reads
// for it.

import { connect, type Socket } from 'node:net';
import { within } from '../support/waiting.ts';
import { reset } from '../../src/base/reset.ts';

const ANSWER_MS = 20_000;
const LF = 0x0a;

export class Caller {
  readonly #socket: Socket;
  #unread = Buffer.alloc(0);
  #wake: () => void = () => {};
  #isClosed = false;

  /** Without a wid: Faktory closes the connections of a worker that sends no BEAT for a minute. */
  static async connect(port: number): Promise<Caller> {
    const caller = new Caller(connect({ host: '127.0.0.1', port, noDelay: true }));
    await caller.reply();
    caller.send(Buffer.from('HELLO {"v":2,"hostname":"fuzz","pid":1,"labels":[]}\r\n'));
    const answer = await caller.reply();
    if (answer !== '+OK\r\n') throw new Error(`Cannot log in: ${answer}`);
    return caller;
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (bytes: Buffer) => {
      this.#unread = Buffer.concat([this.#unread, bytes]);
      this.#wake();
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#isClosed = true;
      this.#wake();
    });
  }

  send(bytes: Buffer): void {
    this.#socket.write(bytes);
  }

  /** The next reply, each byte as one character; what is left and `(closed)` where it never comes. */
  reply(): Promise<string> {
    return within(
      this.#nextReply(),
      ANSWER_MS,
      () => `a reply; unread: ${this.#unread.toString('latin1')}`,
    );
  }

  close(): void {
    reset(this.#socket);
  }

  async #nextReply(): Promise<string> {
    for (;;) {
      const end = this.#replyEnd();
      if (end > 0 && end <= this.#unread.length) {
        const reply = this.#unread.toString('latin1', 0, end);
        this.#unread = this.#unread.subarray(end);
        return reply;
      }
      if (this.#isClosed) return `${this.#unread.toString('latin1')}(closed)`;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** Where the first reply ends, as far as can be said; 0 where it cannot. */
  #replyEnd(): number {
    const lineEnd = this.#unread.indexOf(LF) + 1;
    if (lineEnd === 0 || this.#unread[0] !== '$'.charCodeAt(0)) return lineEnd;
    const length = Number(this.#unread.toString('latin1', 1, lineEnd));
    return length < 0 ? lineEnd : lineEnd + length + 2;
  }
}
