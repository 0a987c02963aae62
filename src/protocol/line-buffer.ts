// Hot path. Bytes in, whole lines out. Promise: any split of the bytes gives the same lines; a
// line that arrived in one chunk is not copied, and what a peer sends byte by byte costs no more
// memory than twice its bytes.

import { LF } from './bytes.ts';

const NOTHING = Buffer.alloc(0);

export class LineBuffer {
  /** The chunk being read, from #start on. */
  #chunk: Buffer = NOTHING;
  #start = 0;
  /** An unfinished line that earlier chunks left, without its LF: the first #partialLength bytes. */
  #partial: Buffer = NOTHING;
  #partialLength = 0;

  /** Bytes held and not yet given out as lines. */
  get length(): number {
    return this.#partialLength + this.#chunk.length - this.#start;
  }

  /** Bytes of the unfinished line; only exact after next() has returned null. */
  get partialLength(): number {
    return this.#partialLength;
  }

  /** Adds what arrived. Bytes not yet given out are kept. */
  push(chunk: Buffer): void {
    if (this.#start === this.#chunk.length) this.#chunk = chunk;
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
    this.#start = end;
    if (this.#partialLength > 0) return this.#finish(chunk.subarray(start, end));
    if (start === 0 && end === chunk.length) return chunk;
    return chunk.subarray(start, end);
  }

  /** Takes all bytes out, as they came. */
  clear(): void {
    this.#chunk = NOTHING;
    this.#start = 0;
    this.#partial = NOTHING;
    this.#partialLength = 0;
  }

  #keep(bytes: Buffer): void {
    const needed = this.#partialLength + bytes.length;
    if (needed > this.#partial.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#partial.length));
      this.#partial.copy(grown, 0, 0, this.#partialLength);
      this.#partial = grown;
    }
    bytes.copy(this.#partial, this.#partialLength);
    this.#partialLength = needed;
  }

  #finish(rest: Buffer): Buffer {
    this.#keep(rest);
    const line = this.#partial.subarray(0, this.#partialLength);
    this.#partial = NOTHING;
    this.#partialLength = 0;
    return line;
  }
}
