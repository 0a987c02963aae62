// Something that takes a while and is asked for by many. Promise: whoever asks gets what was begun a moment before,
// and after the last change that was made on purpose; those that ask together share it; it takes a twentieth
// of the time at most, however many ask.

import type { Clock } from '../base/clock.ts';

/** Answers that come in one burst are made from one. */
const FRESH_MS = 50;
const SHARE = 20;
/** Where others take long to answer, that is mostly not spent on it. */
const FRESH_MS_MAX = 1000;

export class Freshly {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #act: () => Promise<void>;
  /** When the last one that may still be used was begun; monotonic ms. */
  #begunAt = -Infinity;
  #freshMs = FRESH_MS;
  #running: Promise<void> | null = null;
  #next: Promise<void> | null = null;

  constructor(clock: Pick<Clock, 'now'>, act: () => Promise<void>) {
    this.#clock = clock;
    this.#act = act;
  }

  /** Resolves when what the caller may use is there. */
  done(): Promise<void> {
    const isFresh = this.#clock.now() - this.#begunAt < this.#freshMs;
    if (this.#running === null) return isFresh ? Promise.resolve() : this.#begin();
    if (isFresh) return this.#running;
    this.#next ??= this.#running.then(() => {
      this.#next = null;
      return this.done();
    });
    return this.#next;
  }

  /** Something was changed: what has begun is of no use to those that ask from now on. */
  forget(): void {
    this.#begunAt = -Infinity;
  }

  #begin(): Promise<void> {
    const begunAt = this.#clock.now();
    this.#begunAt = begunAt;
    this.#freshMs = FRESH_MS;
    this.#running = this.#act().finally(() => {
      this.#running = null;
      const tookMs = this.#clock.now() - begunAt;
      this.#freshMs = Math.min(FRESH_MS_MAX, Math.max(FRESH_MS, tookMs * SHARE));
    });
    return this.#running;
  }
}
