// A line in which the members of each key take turns with those of the others. Promise: within a key first
// in first out; a key with ten thousand members costs a key with one no more than one turn; leaving
// costs the same however long the line is, and a key without members is forgotten.

import { Line, type Seat } from './line.ts';

/** A member's place; leaving twice is harmless. */
export interface FairSeat {
  leave(): void;
}

export class FairLine<T> {
  /** In the order of their turns; none is empty. */
  readonly #lines = new Map<string, Line<T>>();

  get keys(): number {
    return this.#lines.size;
  }

  /** Joins behind the others of `key`. */
  join(key: string, value: T): FairSeat {
    let line = this.#lines.get(key);
    if (line === undefined) this.#lines.set(key, (line = new Line()));
    const seat = line.join(value);
    return { leave: () => this.#left(key, seat) };
  }

  /** Takes out the first of the next key for which `mayGo` holds; undefined if there is none. */
  shift(mayGo: (key: string) => boolean): T | undefined {
    for (const [key, line] of this.#lines) {
      if (!mayGo(key)) continue;
      const value = line.shift();
      this.#lines.delete(key);
      if (line.length > 0) this.#lines.set(key, line);
      return value;
    }
    return undefined;
  }

  #left(key: string, seat: Seat<T>): void {
    if (seat.leave() && this.#lines.get(key)?.length === 0) this.#lines.delete(key);
  }
}
