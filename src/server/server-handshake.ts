// The handshake with Faktory. Promise: a small machine, bytes in, what to do out; the hash that
// the password needs is asked for, not computed here.

import { LineBuffer } from '../protocol/line-buffer.ts';
import { contentEnd } from '../protocol/bytes.ts';
import { type Challenge, parseHi } from '../protocol/hi.ts';

export type HandshakeStep =
  | { readonly kind: 'more' }
  /** Send HELLO, with the answer to the challenge if there is one. */
  | { readonly kind: 'hello'; readonly challenge: Challenge | null }
  /** The connection is open; Faktory sends nothing more unasked. */
  | { readonly kind: 'open' }
  | { readonly kind: 'failed'; readonly what: string };

/** Longest line that Faktory sends in a handshake, with room to spare. */
const LINE_BYTES_MAX = 4096;

export class ServerHandshake {
  readonly #lines = new LineBuffer();
  #saidHi = false;

  read(chunk: Buffer): HandshakeStep {
    this.#lines.push(chunk);
    const line = this.#lines.next();
    if (line === null) {
      if (this.#lines.length <= LINE_BYTES_MAX) return { kind: 'more' };
      return { kind: 'failed', what: 'its greeting never ends' };
    }
    const text = line.toString('utf8', 0, Math.min(contentEnd(line), LINE_BYTES_MAX));
    return this.#saidHi ? this.#readOk(text) : this.#readHi(text);
  }

  #readHi(text: string): HandshakeStep {
    const hi = parseHi(text);
    switch (hi.kind) {
      case 'hi':
        this.#saidHi = true;
        return { kind: 'hello', challenge: hi.challenge };
      case 'error':
        return { kind: 'failed', what: hi.text };
      case 'invalid':
        return { kind: 'failed', what: 'it does not greet as Faktory does' };
    }
  }

  #readOk(text: string): HandshakeStep {
    if (text === '+OK') return this.#readBehindOk();
    return {
      kind: 'failed',
      what: text.startsWith('-') ? text.slice(1) : 'it did not accept HELLO',
    };
  }

  /** Faktory 1.9 reports behind its +OK that it is full, and closes. */
  #readBehindOk(): HandshakeStep {
    if (this.#lines.length === 0) return { kind: 'open' };
    const line = this.#lines.next()?.toString('utf8', 0, LINE_BYTES_MAX).trimEnd() ?? '';
    return {
      kind: 'failed',
      what: line.startsWith('-') ? line.slice(1) : 'it sent more than +OK',
    };
  }
}
