// The visitors of each worker and each address, against limits.per_worker and limits.per_address. Promise:
// whoever is counted is counted under both; one without a wid belongs to no worker.

import { Crowd } from './crowd.ts';
import type { Limits } from './limits.ts';

/** Whom a visitor is counted with. */
export interface Member {
  /** Null: no worker. */
  readonly wid: string | null;
  readonly address: string;
}

/** `now` of `limit` are inside. */
export interface FullCrowd {
  readonly reason: 'per_worker' | 'per_address';
  readonly now: number;
  readonly limit: number;
}

export class Crowds {
  readonly #limits: Pick<Limits, 'perWorker' | 'perAddress'>;
  readonly #byWorker = new Crowd();
  readonly #byAddress = new Crowd();

  constructor(limits: Pick<Limits, 'perWorker' | 'perAddress'>) {
    this.#limits = limits;
  }

  /** Workers with anyone inside or waiting. */
  get workers(): number {
    return this.#byWorker.size;
  }

  /** What keeps one more out; null: nothing. */
  fullFor({ wid, address }: Member): FullCrowd | null {
    if (wid !== null && !this.workerHasRoom(wid)) {
      const limit = this.#limits.perWorker.value;
      return { reason: 'per_worker', now: this.#byWorker.inside(wid), limit };
    }
    if (this.addressHasRoom(address)) return null;
    const limit = this.#limits.perAddress.value;
    return { reason: 'per_address', now: this.#byAddress.inside(address), limit };
  }

  /** Why one more may not even wait: as many wait as may be inside; null: it may. */
  waitRefused({ wid, address }: Member, full: FullCrowd): FullCrowd | null {
    const [crowd, key] =
      full.reason === 'per_worker' ? [this.#byWorker, wid ?? ''] : [this.#byAddress, address];
    const waiting = crowd.waiting(key);
    return waiting >= full.limit ? { ...full, now: crowd.inside(key) + waiting } : null;
  }

  /** Whether one of its crowds has more inside than it may. */
  isOver({ wid, address }: Member): boolean {
    if (this.#byAddress.inside(address) > this.#limits.perAddress.value) return true;
    return wid !== null && this.#byWorker.inside(wid) > this.#limits.perWorker.value;
  }

  workerHasRoom(wid: string): boolean {
    return this.#byWorker.inside(wid) < this.#limits.perWorker.value;
  }

  addressHasRoom(address: string): boolean {
    return this.#byAddress.inside(address) < this.#limits.perAddress.value;
  }

  /** Whether anyone of the worker waits. */
  workerWaits(wid: string): boolean {
    return this.#byWorker.waiting(wid) > 0;
  }

  enter({ wid, address }: Member): void {
    if (wid !== null) this.#byWorker.enter(wid);
    this.#byAddress.enter(address);
  }

  leave({ wid, address }: Member): void {
    if (wid !== null) this.#byWorker.leave(wid);
    this.#byAddress.leave(address);
  }

  wait({ wid, address }: Member): void {
    if (wid !== null) this.#byWorker.wait(wid);
    this.#byAddress.wait(address);
  }

  stopWaiting({ wid, address }: Member): void {
    if (wid !== null) this.#byWorker.stopWaiting(wid);
    this.#byAddress.stopWaiting(address);
  }
}
