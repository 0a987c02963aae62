// A line in which ranks decide. Promise: the lowest rank is first whatever the order of joining; joining
// and leaving, from anywhere, cost the logarithm of the line's length, and asking for the first nothing.

/** A member's place in a ranked line; leaving twice is harmless. */
export class RankedSeat<T> {
  readonly rank: number;
  readonly value: T;
  /** Owned by the line: where in its heap, or -1 for one that has left. */
  index = -1;

  constructor(rank: number, value: T) {
    this.rank = rank;
    this.value = value;
  }
}

export class RankedLine<T> {
  /** A binary heap: no seat has a lower rank than the one at half its index. */
  readonly #heap: RankedSeat<T>[] = [];

  get length(): number {
    return this.#heap.length;
  }

  get first(): RankedSeat<T> | undefined {
    return this.#heap[0];
  }

  join(rank: number, value: T): RankedSeat<T> {
    const seat = new RankedSeat(rank, value);
    this.#put(seat, this.#heap.length);
    this.#rise(seat);
    return seat;
  }

  leave(seat: RankedSeat<T>): void {
    const { index } = seat;
    if (this.#heap[index] !== seat) return;
    seat.index = -1;
    const last = this.#heap.pop();
    if (last === undefined || last === seat) return;
    this.#put(last, index);
    this.#rise(last);
    this.#sink(last);
  }

  #put(seat: RankedSeat<T>, index: number): void {
    this.#heap[index] = seat;
    seat.index = index;
  }

  #rise(seat: RankedSeat<T>): void {
    while (seat.index > 0) {
      const { index } = seat;
      const above = this.#heap[(index - 1) >> 1];
      if (above === undefined || above.rank <= seat.rank) return;
      this.#put(seat, above.index);
      this.#put(above, index);
    }
  }

  #sink(seat: RankedSeat<T>): void {
    for (;;) {
      const { index } = seat;
      const left = this.#heap[2 * index + 1];
      const right = this.#heap[2 * index + 2];
      const below =
        right !== undefined && left !== undefined && right.rank < left.rank ? right : left;
      if (below === undefined || below.rank >= seat.rank) return;
      this.#put(seat, below.index);
      this.#put(below, index);
    }
  }
}
