// Those that read into memory which all share. Promise: past the limit, readers with something buffered
// stop reading, except one at a time, so that what was begun still gets finished and the rest gets its
// turn.

import { Line, type Seat } from './line.ts';

/** A reader that can be made to stop reading. */
export interface BufferReader {
  /** It may read on. */
  onRoom(): void;
}

/** The memory that they share with others. */
export interface SharedMemory {
  readonly isOver: boolean;
  /** So many bytes more are held, or fewer where it is negative: resumes whoever may go on. */
  change(bytes: number): void;
  /** Whether one may go on past the limit. */
  mayExempt(): boolean;
}

export class BufferReaders {
  readonly #memory: SharedMemory;
  readonly #held = new Map<BufferReader, number>();
  readonly #paused = new Line<BufferReader>();
  readonly #seats = new Map<BufferReader, Seat<BufferReader>>();
  /** The one that may go on reading past the limit. */
  #exempt: BufferReader | null = null;

  constructor(memory: SharedMemory) {
    this.#memory = memory;
  }

  /** Whether `reader` is the one that all others wait for. */
  holdsUpOthers(reader: BufferReader): boolean {
    return this.#exempt === reader && this.#paused.length > 0;
  }

  /** Notes how many bytes `reader` holds now; false when it must stop reading until it is told. */
  hold(reader: BufferReader, bytes: number): boolean {
    const before = this.#held.get(reader) ?? 0;
    if (bytes === 0) this.#holdsNothing(reader);
    else this.#held.set(reader, bytes);
    this.#memory.change(bytes - before);
    if (bytes === 0 || !this.#memory.isOver) return true;
    if (this.#exempt === null && this.#memory.mayExempt()) this.#exempt = reader;
    if (this.#exempt === reader) return true;
    if (!this.#seats.has(reader)) this.#seats.set(reader, this.#paused.join(reader));
    return false;
  }

  /** `reader` is gone and holds nothing. */
  leave(reader: BufferReader): void {
    this.hold(reader, 0);
  }

  /** Lets those go on that may: all below the limit, one past it. */
  resume(): void {
    while (this.#paused.length > 0) {
      const { isOver } = this.#memory;
      if (isOver && (this.#exempt !== null || !this.#memory.mayExempt())) return;
      const next = this.#paused.shift();
      if (next === undefined) return;
      this.#seats.delete(next);
      if (isOver) this.#exempt = next;
      next.onRoom();
    }
  }

  /** It may go on, so it must not be waiting: resumed later as the exempt one, it would hold up all. */
  #holdsNothing(reader: BufferReader): void {
    this.#held.delete(reader);
    this.#seats.get(reader)?.leave();
    this.#seats.delete(reader);
    if (this.#exempt === reader) this.#exempt = null;
  }
}
