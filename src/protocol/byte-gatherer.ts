// Hot path. Bytes that belong together and arrive in pieces. Promise: what is added is copied at once,
// so it may be borrowed; what is held takes no more than twice its own memory, however small the
// pieces; and the chunks in which much of it is held are used again.
//
// New memory for each piece of a 1 MB line made collecting garbage two thirds of the CPU that such a
// line cost: V8 collects after some 32 MB of buffers, however few objects they are.

const NOTHING = Buffer.alloc(0);
const CHUNK_BYTES = 64 * 1024;
/** Chunks that are kept for later use: 4 MiB. */
const SPARE_CHUNKS_MAX = 64;

const spareChunks: Buffer[] = [];

export class ByteGatherer {
  /** Chunks without room, then the one that is being filled, which is smaller at first. */
  #full: Buffer[] = [];
  #last: Buffer = NOTHING;
  #lastLength = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** The first byte that is held. */
  get firstByte(): number | undefined {
    return (this.#full[0] ?? this.#last)[0];
  }

  /** Copies the bytes from `start` on. */
  add(bytes: Buffer, start: number): void {
    let at = start;
    while (at < bytes.length) {
      if (this.#lastLength === this.#last.length) this.#makeRoom(bytes.length - at);
      const copied = bytes.copy(this.#last, this.#lastLength, at);
      this.#lastLength += copied;
      at += copied;
    }
    this.#length += bytes.length - start;
  }

  /** All that was added, then `rest`, as one; nothing is held any more. */
  take(rest: Buffer): Buffer {
    const whole = Buffer.allocUnsafe(this.#length + rest.length);
    let at = 0;
    for (const chunk of this.#full) at += chunk.copy(whole, at);
    at += this.#last.copy(whole, at, 0, this.#lastLength);
    rest.copy(whole, at);
    this.clear();
    return whole;
  }

  /** Forgets what was added. */
  clear(): void {
    if (this.#length === 0) return;
    for (const chunk of this.#full) giveBack(chunk);
    giveBack(this.#last);
    this.#full = [];
    this.#last = NOTHING;
    this.#lastLength = 0;
    this.#length = 0;
  }

  #makeRoom(wanted: number): void {
    const held = this.#lastLength;
    if (held === CHUNK_BYTES) {
      this.#full.push(this.#last);
      this.#last = takeChunk();
      this.#lastLength = 0;
      return;
    }
    const size = Math.max(held + wanted, 2 * held);
    const grown = size < CHUNK_BYTES ? Buffer.allocUnsafeSlow(size) : takeChunk();
    this.#last.copy(grown, 0, 0, held);
    this.#last = grown;
  }
}

function takeChunk(): Buffer {
  return spareChunks.pop() ?? Buffer.allocUnsafeSlow(CHUNK_BYTES);
}

function giveBack(buffer: Buffer): void {
  if (buffer.length === CHUNK_BYTES && spareChunks.length < SPARE_CHUNKS_MAX)
    spareChunks.push(buffer);
}
