// What counters have grown by between two reports. Promise: nothing is remembered of a counter that the
// last report did not have; one that starts over is not negative.

export class Deltas {
  #last = new Map<string, number>();
  #next = new Map<string, number>();

  /**
   * What was added to the counter `key`. One that is read for the first time began at 0; a foreign one
   * began before, and what it says first is not new.
   */
  added(key: string, value: number, isForeign = false): number {
    const last = this.#last.get(key);
    this.#next.set(key, value);
    if (last === undefined) return isForeign ? 0 : value;
    return value < last ? value : value - last;
  }

  /** A report is complete. */
  next(): void {
    this.#last = this.#next;
    this.#next = new Map();
  }
}
