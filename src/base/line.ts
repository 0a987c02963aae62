// A line whose members can leave. Promise: first in first out, and joining, leaving from anywhere
// and asking for the length cost the same however long the line is.

/** A member's place in a line; leaving twice is harmless. */
export class Seat<T> {
  readonly value: T;
  #leave: ((seat: Seat<T>) => void) | null;
  /** Owned by the line. */
  before: Seat<T> | null = null;
  /** Owned by the line. */
  behind: Seat<T> | null = null;

  constructor(value: T, leave: (seat: Seat<T>) => void) {
    this.value = value;
    this.#leave = leave;
  }

  get hasLeft(): boolean {
    return this.#leave === null;
  }

  /** Leaves the line; false if it had left already. */
  leave(): boolean {
    const leave = this.#leave;
    if (leave === null) return false;
    this.#leave = null;
    leave(this);
    return true;
  }
}

export class Line<T> {
  #first: Seat<T> | null = null;
  #last: Seat<T> | null = null;
  #length = 0;
  readonly #unlink = (seat: Seat<T>): void => {
    if (seat.before === null) this.#first = seat.behind;
    else seat.before.behind = seat.behind;
    if (seat.behind === null) this.#last = seat.before;
    else seat.behind.before = seat.before;
    // A kept seat must not keep its former neighbours, and theirs, alive.
    seat.before = null;
    seat.behind = null;
    this.#length -= 1;
  };

  get length(): number {
    return this.#length;
  }

  get first(): T | undefined {
    return this.#first?.value;
  }

  /** Joins at the end. */
  join(value: T): Seat<T> {
    const seat = new Seat(value, this.#unlink);
    seat.before = this.#last;
    if (this.#last === null) this.#first = seat;
    else this.#last.behind = seat;
    this.#last = seat;
    this.#length += 1;
    return seat;
  }

  /** Takes the first out of the line. */
  shift(): T | undefined {
    const seat = this.#first;
    if (seat === null) return undefined;
    seat.leave();
    return seat.value;
  }

  /** From first to last, those that are here now; one that leaves before its turn is left out. */
  *[Symbol.iterator](): Generator<T, void, undefined> {
    const seats: Seat<T>[] = [];
    for (let seat = this.#first; seat !== null; seat = seat.behind) seats.push(seat);
    for (const seat of seats) {
      if (!seat.hasLeft) yield seat.value;
    }
  }
}
