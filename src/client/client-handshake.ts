// The handshake with a client. Promise: a small machine, bytes in, what to do out; nothing is taken up
// before HI has been said, and what stands behind HELLO stays where it is.

import { CR, LF } from '../protocol/bytes.ts';
import { type Hello, parseHello } from '../protocol/hello.ts';
import { type Challenge, hiLine } from '../protocol/hi.ts';
import type { LineBuffer } from '../protocol/line-buffer.ts';

export type ClientHandshakeStep =
  | { readonly kind: 'more' }
  /** The client's own description, and the challenge that it had to answer; null for none. */
  | { readonly kind: 'hello'; readonly hello: Hello; readonly challenge: Challenge | null }
  /** Faktory would close on it without a word. */
  | { readonly kind: 'bad_hello'; readonly reason: BadHello };

/** What came instead of a HELLO, as far as that can be told. */
type BadHello = 'bad_hello' | 'proxy_not_expected' | 'tls_not_offered';

/** Longest HELLO; Faktory has no limit, but nothing before the login may grow memory. */
const HELLO_BYTES_MAX = 64 * 1024;
const MORE: ClientHandshakeStep = { kind: 'more' };
const BAD_HELLO: ClientHandshakeStep = { kind: 'bad_hello', reason: 'bad_hello' };
const PROXY_HEADER: ClientHandshakeStep = { kind: 'bad_hello', reason: 'proxy_not_expected' };
const TLS_HELLO: ClientHandshakeStep = { kind: 'bad_hello', reason: 'tls_not_offered' };
/** The first byte of TLS. No line ends there, so it is not waited for. */
const TLS_HANDSHAKE_BYTE = 0x16;
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
    if (this.#lines.firstByte === TLS_HANDSHAKE_BYTE) return TLS_HELLO;
    const line = this.#lines.next();
    if (line === null) return this.#lines.length > HELLO_BYTES_MAX ? BAD_HELLO : MORE;
    const hello = parseHello(line);
    if (hello === null) return isProxyHeader(line) ? PROXY_HEADER : BAD_HELLO;
    return { kind: 'hello', hello, challenge: this.#challenge };
  }
}

/** Version 1 is a line; version 2 begins with an empty one. What is behind it may not have come yet. */
function isProxyHeader(line: Buffer): boolean {
  return line.toString('latin1', 0, 6) === 'PROXY ' || (line[0] === CR && line[1] === LF);
}
