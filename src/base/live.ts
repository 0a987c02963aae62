// A value that can be replaced while others use it. Promise: whoever holds the Live reads the value of
// now; nobody keeps a copy of a part of it for longer than a call.

/** One room's settings, say: read `current` at each use, never keep it. */
export class Live<T> {
  #current: T;

  constructor(value: T) {
    this.#current = value;
  }

  get current(): T {
    return this.#current;
  }

  replace(value: T): void {
    this.#current = value;
  }
}
