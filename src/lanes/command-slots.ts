// Hot path. How many clients may have commands at Faktory in session mode. Promise: never more than the
// limit; the others wait, first come first served, and have theirs sent as others are answered.
//
// Each command at Faktory needs one connection of its Redis pool. Where Redis hangs and more than 511
// are dialled at once, its listen backlog is full: dials fail at once, and Faktory answers +OK to PUSHes
// that it has lost.

import { Fifo } from '../base/fifo.ts';
import type { Limit } from '../base/limit.ts';
import { Pump } from '../base/pump.ts';

/** A client with commands to send. */
export interface SlotTaker {
  /** It has a slot, and gives it back when all its commands are answered. */
  granted(): void;
  /** Whether it still wants one. */
  readonly wantsSlot: boolean;
}

export class CommandSlots {
  readonly #limit: Limit;
  readonly #waiting = new Fifo<SlotTaker>();
  readonly #grant: Pump;
  #taken = 0;

  constructor(limit: Limit, onBug: (error: unknown) => void) {
    this.#limit = limit;
    this.#grant = new Pump(() => this.#grantNext(), onBug);
    limit.onRaised(() => void this.#grant.run());
  }

  get taken(): number {
    return this.#taken;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Takes a slot at once; false if there is none, or others wait for one. */
  take(): boolean {
    if (this.#waiting.length > 0 || !this.#limit.hasRoom(this.#taken)) return false;
    this.#taken += 1;
    return true;
  }

  /** Grants `taker` a slot when it is its turn. */
  wait(taker: SlotTaker): void {
    this.#waiting.push(taker);
  }

  /** A slot is free again. */
  release(): void {
    this.#taken -= 1;
    if (this.#waiting.length > 0) this.#grant.run();
  }

  #grantNext(): 'more' | 'done' {
    if (this.#waiting.length === 0 || !this.#limit.hasRoom(this.#taken)) return 'done';
    const next = this.#waiting.shift() as SlotTaker;
    if (next.wantsSlot) {
      this.#taken += 1;
      next.granted();
    }
    return 'more';
  }
}
