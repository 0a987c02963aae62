// Hot path. Replies out of the server's bytes. Promise: any split of the bytes gives the same
// replies; a reply is put together up to a bound and streamed past it, unless its taker wants it
// whole; the bytes read are borrowed, those passed on are the taker's to keep.
// Facts from Faktory v1.7.0: server/connection.go writes +text, -text, :n, $len and its body.

import { copyOf, CR, LF } from './bytes.ts';
import { isOkAt, OK } from './replies.ts';

/** The taker of replies: each comes in one call, or in pieces where it is streamed. */
export interface ReplyTaker {
  /** The next reply, whole. */
  onReply(reply: Buffer): void;
  /** A piece of the next reply, which is streamed; `last` ends the reply. */
  onPiece(piece: Buffer, last: boolean): void;
  /** Whether the reply now arriving must be passed on in one piece, whatever its size. */
  wantsWhole(): boolean;
}

/** Replies longer than this are streamed. */
const HELD_BYTES_MAX = 64 * 1024;
/** Longest `$length` line: `$`, ten digits, CR LF. */
const LENGTH_LINE_MAX = 13;

const PLUS = 0x2b;
const MINUS = 0x2d;
const COLON = 0x3a;
const DOLLAR = 0x24;

type State =
  /** Before the first byte of a reply. */
  | 'start'
  /** Inside +text, -text or :n, up to its LF. */
  | 'line'
  /** Inside `$length`, up to its LF. */
  | 'length'
  /** Inside a bulk's bytes and the CR LF behind them: `#bodyLeft` to come. */
  | 'body';

export class ReplyParser {
  readonly #taker: ReplyTaker;
  #state: State = 'start';
  #bodyLeft = 0;
  #held: Buffer[] = [];
  #heldBytes = 0;
  #streaming = false;

  constructor(taker: ReplyTaker) {
    this.#taker = taker;
  }

  /** Whether part of a reply has arrived and its end has not. */
  get isInsideReply(): boolean {
    return this.#state !== 'start';
  }

  /** Whether part of that reply has been passed on already. */
  get hasPassedOn(): boolean {
    return this.#streaming;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /**
   * Reads a chunk, which may be overwritten afterwards; false when its bytes are not a reply: nothing
   * behind them can be trusted.
   */
  parse(chunk: Buffer): boolean {
    let at = 0;
    let start = 0;
    while (at < chunk.length) {
      if (this.#state === 'start') {
        start = at;
        if (isOkAt(chunk, at)) {
          at += OK.length;
          start = at;
          this.#taker.onReply(OK);
          continue;
        }
        if (!this.#begin(chunk[at] as number)) return false;
      }
      const end = this.#advance(chunk, at);
      if (end === INVALID) return false;
      at = end;
      if (this.#state === 'start') {
        this.#passOn(copyOf(chunk, start, end));
        start = end;
      }
    }
    if (start < chunk.length) this.#hold(copyOf(chunk, start, chunk.length));
    return true;
  }

  #begin(first: number): boolean {
    if (first === PLUS || first === MINUS || first === COLON) this.#state = 'line';
    else if (first === DOLLAR) this.#state = 'length';
    else return false;
    return true;
  }

  /** Moves over the bytes that the state expects; returns the index behind them, with the state moved on. */
  #advance(chunk: Buffer, at: number): number {
    if (this.#state === 'body') {
      const end = Math.min(chunk.length, at + this.#bodyLeft);
      this.#bodyLeft -= end - at;
      if (this.#bodyLeft > 0) return end;
      this.#state = 'start';
      return chunk[end - 1] === LF ? end : INVALID;
    }
    const end = chunk.indexOf(LF, at) + 1;
    if (this.#state === 'line') {
      if (end !== 0) this.#state = 'start';
      return end === 0 ? chunk.length : end;
    }
    if (end === 0)
      return this.#heldBytes + chunk.length - at > LENGTH_LINE_MAX ? INVALID : chunk.length;
    return this.#readLength(chunk, at, end) ? end : INVALID;
  }

  #readLength(chunk: Buffer, at: number, end: number): boolean {
    const here = chunk.subarray(at, end);
    const line = this.#heldBytes > 0 ? Buffer.concat([...this.#held, here]) : here;
    if (line.length > LENGTH_LINE_MAX) return false;
    const length = parseLength(line);
    if (length === null) return false;
    if (length === -1) {
      this.#state = 'start';
    } else {
      this.#bodyLeft = length + 2;
      this.#state = 'body';
    }
    return true;
  }

  #hold(piece: Buffer): void {
    if (this.#streaming) {
      this.#taker.onPiece(piece, false);
      return;
    }
    this.#held.push(piece);
    this.#heldBytes += piece.length;
    if (this.#heldBytes > HELD_BYTES_MAX && !this.#taker.wantsWhole()) {
      this.#streaming = true;
      this.#taker.onPiece(this.#release(), false);
    }
  }

  #passOn(end: Buffer): void {
    if (this.#streaming) {
      this.#streaming = false;
      this.#taker.onPiece(end, true);
      return;
    }
    let whole = end;
    if (this.#heldBytes > 0) {
      this.#held.push(end);
      whole = this.#release();
    }
    this.#taker.onReply(whole);
  }

  #release(): Buffer {
    const whole = Buffer.concat(this.#held);
    this.#held = [];
    this.#heldBytes = 0;
    return whole;
  }
}

const INVALID = -2;

/** The n of a `$n` CR LF line (-1 for nil), or null. */
function parseLength(line: Buffer): number | null {
  const end = line.length - 2;
  if (line[end] !== CR) return null;
  if (end === 3 && line[1] === MINUS && line[2] === 0x31) return -1;
  if (end < 2) return null;
  let length = 0;
  for (let i = 1; i < end; i += 1) {
    const digit = (line[i] as number) - 0x30;
    if (digit < 0 || digit > 9) return null;
    length = length * 10 + digit;
  }
  return length;
}
