// How many clients may be in the handshake at a time. Promise: never more than the limit have been
// greeted and not yet let on; the rest wait for HI, first come first served, so that a storm of
// connects is worked off instead of refused.

import type { Limit } from '../base/limit.ts';
import { Line, type Seat } from '../base/line.ts';
import { Pump, type PumpStep } from '../base/pump.ts';

/** A client that wants to be greeted. */
export interface GateVisitor {
  greet(): void;
}

export class HandshakeGate<Visitor extends GateVisitor> {
  readonly #limit: Limit;
  readonly #inside = new Set<Visitor>();
  readonly #waiting = new Line<Visitor>();
  readonly #seats = new Map<Visitor, Seat<Visitor>>();
  /** One that is greeted may leave at once: a loop, since ten thousand would be too deep a recursion. */
  readonly #pump: Pump;

  /** `onBug` hears of a visitor whose greeting throws; the others are greeted all the same. */
  constructor(limit: Limit, onBug: (error: unknown) => void) {
    this.#limit = limit;
    this.#pump = new Pump(() => this.#greetNext(), onBug);
    limit.onRaised(() => this.#pump.run());
  }

  get inside(): number {
    return this.#inside.size;
  }

  /** Greets `visitor` now, or when it is its turn. */
  arrive(visitor: Visitor): void {
    this.#seats.set(visitor, this.#waiting.join(visitor));
    this.#pump.run();
  }

  /** The visitor's handshake is over, or the visitor is gone; harmless for one not here. */
  leave(visitor: Visitor): void {
    this.#seats.get(visitor)?.leave();
    this.#seats.delete(visitor);
    if (this.#inside.delete(visitor)) this.#pump.run();
  }

  #greetNext(): PumpStep {
    if (!this.#limit.hasRoom(this.#inside.size)) return 'done';
    const next = this.#waiting.shift();
    if (next === undefined) return 'done';
    this.#seats.delete(next);
    this.#inside.add(next);
    next.greet();
    return 'more';
  }
}
