// A value that can be replaced while others use it. Promise: a holder of the Live reads the current
// value, and keeps no part of it for longer than a call.

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
