// Hot path. Bytes in, whole lines out. Promise: any split of the bytes gives the same lines; the
// bytes added are borrowed and copied once, those of a line are its taker's to keep; what a peer
// sends byte by byte costs no more memory than twice its bytes.

import { copyOf, LF } from './bytes.ts';

const NOTHING = Buffer.alloc(0);
/** A chunk of this size is kept as it came. */
const LARGE_CHUNK_BYTES = 8 * 1024;
/** Smaller chunks are gathered up to this size. */
const GATHERED_BYTES_MAX = 64 * 1024;

export class LineBuffer {
  /** The chunk being read, from #start on; our own copy of it. */
  #chunk: Buffer = NOTHING;
  #start = 0;
  /** An unfinished line that earlier chunks left, without its LF: #pieces, then what is gathered. */
  #pieces: Buffer[] = [];
  #gathered: Buffer = NOTHING;
  #gatheredLength = 0;
  #partialLength = 0;

  /** Bytes held and not yet given out as lines. */
  get length(): number {
    return this.#partialLength + this.#chunk.length - this.#start;
  }

  /** Bytes of the unfinished line; only exact after next() has returned null. */
  get partialLength(): number {
    return this.#partialLength;
  }

  /** Adds what arrived, which may be overwritten afterwards. Bytes not yet given out are kept. */
  push(chunk: Buffer): void {
    if (this.#start === this.#chunk.length) this.#chunk = copyOf(chunk, 0, chunk.length);
    else this.#chunk = Buffer.concat([this.#chunk.subarray(this.#start), chunk]);
    this.#start = 0;
  }

  /** The next whole line, its LF included, or null until more arrives. */
  next(): Buffer | null {
    const chunk = this.#chunk;
    const start = this.#start;
    if (start === chunk.length) return null;
    const end = chunk.indexOf(LF, start) + 1;
    if (end === 0) {
      this.#keep(chunk.subarray(start));
      this.#chunk = NOTHING;
      this.#start = 0;
      return null;
    }
    const line = start === 0 && end === chunk.length ? chunk : chunk.subarray(start, end);
    this.#start = end;
    if (end === chunk.length) {
      // An idle client keeps nothing of what it said last.
      this.#chunk = NOTHING;
      this.#start = 0;
    }
    return this.#partialLength > 0 ? this.#finish(line) : line;
  }

  /** Takes all bytes out, as they came. */
  clear(): void {
    this.#chunk = NOTHING;
    this.#start = 0;
    this.#forgetPartial();
  }

  /** Large chunks are kept as they came; small ones are gathered, so that none costs an object. */
  #keep(bytes: Buffer): void {
    this.#partialLength += bytes.length;
    if (bytes.length >= LARGE_CHUNK_BYTES) {
      this.#closeGathered();
      this.#pieces.push(bytes);
      return;
    }
    const needed = this.#gatheredLength + bytes.length;
    if (needed > this.#gathered.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#gathered.length));
      this.#gathered.copy(grown, 0, 0, this.#gatheredLength);
      this.#gathered = grown;
    }
    bytes.copy(this.#gathered, this.#gatheredLength);
    this.#gatheredLength = needed;
    if (needed >= GATHERED_BYTES_MAX) this.#closeGathered();
  }

  #closeGathered(): void {
    if (this.#gatheredLength === 0) return;
    this.#pieces.push(this.#gathered.subarray(0, this.#gatheredLength));
    this.#gathered = NOTHING;
    this.#gatheredLength = 0;
  }

  #finish(rest: Buffer): Buffer {
    this.#closeGathered();
    this.#pieces.push(rest);
    const line = Buffer.concat(this.#pieces, this.#partialLength + rest.length);
    this.#forgetPartial();
    return line;
  }

  #forgetPartial(): void {
    this.#pieces = [];
    this.#gathered = NOTHING;
    this.#gatheredLength = 0;
    this.#partialLength = 0;
  }
}
