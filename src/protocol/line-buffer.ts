// Hot path. Bytes in, whole lines out. Promise: any split of the bytes gives the same lines; the
// bytes added are borrowed and copied once, those of a line are its taker's to keep; what a peer
// sends byte by byte costs no more memory than twice its bytes.

import { ByteGatherer } from './byte-gatherer.ts';
import { copyOf, LF } from './bytes.ts';

const NOTHING = Buffer.alloc(0);

export class LineBuffer {
  /** The chunk being read, from #start on; our own copy of it. */
  #chunk: Buffer = NOTHING;
  #start = 0;
  /** An unfinished line that earlier chunks left, without its LF. */
  readonly #partial = new ByteGatherer();

  /** Bytes held and not yet given out as lines. */
  get length(): number {
    return this.#partial.length + this.#chunk.length - this.#start;
  }

  /** The first byte that is held. */
  get firstByte(): number | undefined {
    return this.#partial.length > 0 ? this.#partial.firstByte : this.#chunk[this.#start];
  }

  /** Whether a whole line is held; not for each command, since it searches for the LF. */
  get hasLine(): boolean {
    return this.#chunk.includes(LF, this.#start);
  }

  /** Bytes of the unfinished line; only exact after next() has returned null. */
  get partialLength(): number {
    return this.#partial.length;
  }

  /** Adds what arrived, which may be overwritten afterwards. Bytes not yet given out are kept. */
  push(chunk: Buffer): void {
    const isAllTaken = this.#start === this.#chunk.length;
    // The middle of a long line goes where its end will look for it.
    if (isAllTaken && this.#partial.length > 0 && !chunk.includes(LF)) {
      this.#partial.add(chunk, 0);
      return;
    }
    if (isAllTaken) this.#chunk = copyOf(chunk, 0, chunk.length);
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
      this.#partial.add(chunk, start);
      this.#chunk = NOTHING;
      this.#start = 0;
      return null;
    }
    const line = start === 0 && end === chunk.length ? chunk : chunk.subarray(start, end);
    this.#start = end;
    if (end === chunk.length) {
      // An idle client keeps nothing of its last command.
      this.#chunk = NOTHING;
      this.#start = 0;
    }
    return this.#partial.length > 0 ? this.#partial.take(line) : line;
  }

  /** Takes all bytes out, as they came. */
  clear(): void {
    this.#chunk = NOTHING;
    this.#start = 0;
    this.#partial.clear();
  }
}
