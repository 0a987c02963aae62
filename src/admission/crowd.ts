// How many visitors of each key are inside and waiting. Promise: a key with none is forgotten, so
// what clients choose as a name costs memory only while they are here.

import { checkShared } from '../base/check.ts';

interface Heads {
  inside: number;
  waiting: number;
}

export class Crowd {
  readonly #heads = new Map<string, Heads>();

  /** Keys with anyone inside or waiting. */
  get size(): number {
    return this.#heads.size;
  }

  inside(key: string): number {
    return this.#heads.get(key)?.inside ?? 0;
  }

  waiting(key: string): number {
    return this.#heads.get(key)?.waiting ?? 0;
  }

  enter(key: string): void {
    this.#of(key).inside += 1;
  }

  wait(key: string): void {
    this.#of(key).waiting += 1;
  }

  leave(key: string): void {
    const heads = this.#of(key);
    checkShared(heads.inside > 0, 'a visitor left that was not inside');
    heads.inside -= 1;
    this.#forgetEmpty(key);
  }

  stopWaiting(key: string): void {
    const heads = this.#of(key);
    checkShared(heads.waiting > 0, 'a visitor stopped waiting that did not wait');
    heads.waiting -= 1;
    this.#forgetEmpty(key);
  }

  #of(key: string): Heads {
    let heads = this.#heads.get(key);
    if (heads === undefined) this.#heads.set(key, (heads = { inside: 0, waiting: 0 }));
    return heads;
  }

  #forgetEmpty(key: string): void {
    const heads = this.#heads.get(key);
    if (heads !== undefined && heads.inside === 0 && heads.waiting === 0) this.#heads.delete(key);
  }
}
