// Hot path. A queue of few members. Promise: first in first out, no allocation once it has grown
// to its working size.

export class Fifo<T> {
  #items: (T | undefined)[] = new Array<T | undefined>(4);
  #head = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(item: T): void {
    if (this.#length === this.#items.length) this.#grow();
    this.#items[(this.#head + this.#length) & (this.#items.length - 1)] = item;
    this.#length += 1;
  }

  peek(): T | undefined {
    return this.#length === 0 ? undefined : this.#items[this.#head];
  }

  shift(): T | undefined {
    if (this.#length === 0) return undefined;
    const item = this.#items[this.#head];
    this.#items[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#items.length - 1);
    this.#length -= 1;
    return item;
  }

  /** Puts `item` in the place of the oldest, where there is one. */
  replaceFirst(item: T): void {
    if (this.#length > 0) this.#items[this.#head] = item;
  }

  /** Oldest first. */
  *[Symbol.iterator](): Generator<T, void, undefined> {
    for (let i = 0; i < this.#length; i += 1) {
      yield this.#items[(this.#head + i) & (this.#items.length - 1)] as T;
    }
  }

  /** The length stays a power of two, so that a mask does for a modulo. */
  #grow(): void {
    const old = this.#items;
    const grown = new Array<T | undefined>(old.length * 2);
    for (let i = 0; i < this.#length; i += 1) {
      grown[i] = old[(this.#head + i) & (old.length - 1)];
    }
    this.#items = grown;
    this.#head = 0;
  }
}
