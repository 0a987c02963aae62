// How often each text was heard. Promise: bounded; texts beyond the first few are counted together,
// so a server that says something new every time cannot fill the memory.

const DIFFERENT_TEXTS_MAX = 20;
const OTHERS = '(others)';

export type TallyCounts = Readonly<Record<string, number>>;

export class Tally {
  readonly #counts = new Map<string, number>();
  #total = 0;

  get total(): number {
    return this.#total;
  }

  add(text: string): void {
    this.#total += 1;
    const known = this.#counts.has(text) || this.#counts.size < DIFFERENT_TEXTS_MAX;
    const key = known ? text : OTHERS;
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }

  /** As a plain object that goes through a message. */
  counts(): TallyCounts {
    return Object.fromEntries(this.#counts);
  }
}
