// A Redis in a simulation: it runs the model of the script, and can be away, slow, flushed, restarted with old
// data, replaced by a replica that lacks the last writes, or moved in time.

import type { LeaseReply, LeaseRequest } from '../../../src/sharing/lease.ts';
import { lend, type Stored } from '../../../src/sharing/lend.ts';
import type { SimTime } from './sim-time.ts';

export class SimRedis {
  readonly #time: SimTime;
  #offset: number;
  #run = 1;
  #stored: Stored | null = null;
  /** What was stored after each write, with its instant. */
  #history: { readonly at: number; readonly stored: Stored }[] = [];
  isUp = true;

  constructor(time: SimTime, offset: number) {
    this.#time = time;
    this.#offset = offset;
  }

  get stored(): Stored | null {
    return this.#stored;
  }

  run(request: LeaseRequest): LeaseReply {
    const at = Math.floor(this.#time.now + this.#offset);
    const { stored, reply } = lend(this.#stored, request, at, `run${this.#run}`);
    this.#stored = stored;
    this.#history.push({ at: this.#time.now, stored });
    if (this.#history.length > 64) this.#history = this.#history.slice(-32);
    return reply;
  }

  flush(): void {
    this.#stored = null;
  }

  /** Another process, or another machine, with what was stored `lagMs` ago; null: with nothing. */
  restart(lagMs: number | null, offset: number): void {
    this.#run += 1;
    this.#offset = offset;
    const until = this.#time.now - (lagMs ?? Infinity);
    this.#stored = this.#history.findLast(({ at }) => at <= until)?.stored ?? null;
    this.#history = [];
  }

  get offset(): number {
    return this.#offset;
  }

  jump(ms: number): void {
    this.#offset += ms;
  }
}
