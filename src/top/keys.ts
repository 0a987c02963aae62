// What the keys do: q ends, s sorts, / filters. Promise: a filter is printable and short.

import { SORTS, type Sort } from './screen.ts';

const FILTER_MAX = 60;

export class Keys {
  #sort: Sort = 'worst';
  #filter = '';
  /** A filter is being typed. */
  #isTyping = false;

  get view(): { readonly sort: Sort; readonly filter: string } {
    return { sort: this.#sort, filter: this.#filter };
  }

  /** The last line of the screen. */
  get prompt(): string {
    if (this.#isTyping) return `filter: ${this.#filter}_  (Enter keeps it, Escape drops it)`;
    const filter = this.#filter === '' ? '' : `  filter: ${this.#filter}`;
    return `q quit  s sort: ${this.#sort}  / filter${filter}`;
  }

  /** `key`: what the terminal sends for it, or for several at once. */
  press(key: string): 'quit' | 'changed' {
    if (key === '\u0003' || key === '\u0004') return 'quit';
    if (this.#isTyping) this.#type(key);
    else if (key === 'q' || key === 'Q') return 'quit';
    else if (key === '/') this.#isTyping = true;
    else if (key === 's') this.#sort = next(this.#sort);
    return 'changed';
  }

  #type(key: string): void {
    if (key === '\r' || key === '\n') {
      this.#isTyping = false;
    } else if (key === '\u001b') {
      this.#isTyping = false;
      this.#filter = '';
    } else if (key === '\u007f' || key === '\b') {
      this.#filter = this.#filter.slice(0, -1);
    } else if (/^[\x20-\x7e]+$/.test(key)) {
      this.#filter = (this.#filter + key).slice(0, FILTER_MAX);
    }
  }
}

function next(sort: Sort): Sort {
  return SORTS[(SORTS.indexOf(sort) + 1) % SORTS.length] ?? 'worst';
}
