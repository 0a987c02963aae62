// The handshake with a client. Promise: a small machine, bytes in, what to do out; nothing is taken up
// before HI has been said, and what stands behind HELLO stays where it is.

import { type Hello, parseHello } from '../protocol/hello.ts';
import { type Challenge, hiLine } from '../protocol/hi.ts';
import type { LineBuffer } from '../protocol/line-buffer.ts';

export type ClientHandshakeStep =
  | { readonly kind: 'more' }
  /** The client's own description, and the challenge that it had to answer; null for none. */
  | { readonly kind: 'hello'; readonly hello: Hello; readonly challenge: Challenge | null }
  /** Faktory would close on it without a word. `instead`: what it is, as far as that can be told. */
  | { readonly kind: 'bad_hello'; readonly instead: 'proxy_header' | 'unknown' };

/** Longest HELLO; Faktory has no limit, but nothing before the login may grow memory. */
const HELLO_BYTES_MAX = 64 * 1024;
const MORE: ClientHandshakeStep = { kind: 'more' };
const BAD_HELLO: ClientHandshakeStep = { kind: 'bad_hello', instead: 'unknown' };
const PROXY_HEADER: ClientHandshakeStep = { kind: 'bad_hello', instead: 'proxy_header' };
/** Version 2 begins with an empty line, which no HELLO does. */
const PROXY_HEADER_LINE = /^(?:PROXY |\r\n$)/;
const HI_WITHOUT_CHALLENGE = Buffer.from(hiLine(null));

export class ClientHandshake {
  readonly #lines: LineBuffer;
  #challenge: Challenge | null = null;
  #isGreeted = false;

  /** `lines`: what the client sends, from its first byte on. */
  constructor(lines: LineBuffer) {
    this.#lines = lines;
  }

  /** The HI to send now. What came before it has waited: next() takes it up. */
  greet(challenge: Challenge | null): Buffer {
    this.#isGreeted = true;
    this.#challenge = challenge;
    return challenge === null ? HI_WITHOUT_CHALLENGE : Buffer.from(hiLine(challenge));
  }

  /** What to do about the bytes that have come. */
  next(): ClientHandshakeStep {
    if (!this.#isGreeted) return MORE;
    const line = this.#lines.next();
    if (line === null) return this.#lines.length > HELLO_BYTES_MAX ? BAD_HELLO : MORE;
    const hello = parseHello(line);
    if (hello === null) return isProxyHeader(line) ? PROXY_HEADER : BAD_HELLO;
    return { kind: 'hello', hello, challenge: this.#challenge };
  }
}

function isProxyHeader(line: Buffer): boolean {
  return PROXY_HEADER_LINE.test(line.toString('latin1', 0, 6));
}
