// What a server connection holds of a reply that is put together. Promise: a large one counts in the
// memory that all share, and is read on only while there is room.

import type { BufferReader, BufferReaders } from '../base/buffer-readers.ts';
import type { Wire } from '../base/wire.ts';

/** Past this a reply counts; smaller ones are streamed, or whole after one more read. */
const COUNTED_BYTES_MIN = 64 * 1024;

export class ReplyMemory implements BufferReader {
  readonly #wire: Wire;
  readonly #readers: BufferReaders;
  #countedBytes = 0;
  #isClosed = false;

  constructor(wire: Wire, readers: BufferReaders) {
    this.#wire = wire;
    this.#readers = readers;
  }

  /** So many bytes of the reply that arrives are held. */
  holds(bytes: number): void {
    const counted = bytes > COUNTED_BYTES_MIN ? bytes : 0;
    if (counted === this.#countedBytes || this.#isClosed) return;
    this.#countedBytes = counted;
    if (this.#readers.hold(this, counted)) this.#wire.resume('budget');
    else this.#wire.pause('budget');
  }

  onRoom(): void {
    this.#wire.resume('budget');
  }

  /** The connection is over: nothing is held any more. */
  close(): void {
    this.holds(0);
    this.#isClosed = true;
  }
}
