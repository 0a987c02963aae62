// How many clients may be in the handshake at a time. Promise: never more than the limit have been
// greeted and not yet let on; the rest wait for HI, the addresses in turns and each first come first
// served, so that a storm of connects is worked off instead of refused, and takes no other's turn; an
// address from which wrong passwords come has few in the handshake.

import { Crowd } from '../admission/crowd.ts';
import { FairLine, type FairSeat } from '../base/fair-line.ts';
import type { Limit } from '../base/limit.ts';
import { Pump, type PumpStep } from '../base/pump.ts';

/** How many of an address that is slowed may be in the handshake. */
export const SLOWED_INSIDE_MAX = 8;

/** A client that wants to be greeted. */
export interface GateVisitor {
  readonly address: string;
  greet(): void;
}

export interface GateParts {
  readonly limit: Limit;
  /** Whether wrong passwords come from `address`. */
  readonly isSlowed: (address: string) => boolean;
  /** Hears of a visitor whose greeting throws; the others are greeted all the same. */
  readonly onBug: (error: unknown) => void;
}

export class HandshakeGate<Visitor extends GateVisitor> {
  readonly #parts: GateParts;
  /** With the address that it came from: a PROXY header may name another one later. */
  readonly #inside = new Map<Visitor, string>();
  readonly #insideByAddress = new Crowd();
  readonly #waiting = new FairLine<Visitor>();
  readonly #seats = new Map<Visitor, FairSeat>();
  /** One that is greeted may leave at once: a loop, since ten thousand would be too deep a recursion. */
  readonly #pump: Pump;
  readonly #mayGo = (address: string): boolean =>
    this.#insideByAddress.inside(address) < SLOWED_INSIDE_MAX || !this.#parts.isSlowed(address);

  constructor(parts: GateParts) {
    this.#parts = parts;
    this.#pump = new Pump(() => this.#greetNext(), parts.onBug);
    parts.limit.onRaised(() => this.#pump.run());
  }

  get inside(): number {
    return this.#inside.size;
  }

  /** Greets `visitor` now, or when it is its turn. */
  arrive(visitor: Visitor): void {
    this.#seats.set(visitor, this.#waiting.join(visitor.address, visitor));
    this.#pump.run();
  }

  /** The visitor's handshake is over, or the visitor is gone; harmless for one not here. */
  leave(visitor: Visitor): void {
    this.#seats.get(visitor)?.leave();
    this.#seats.delete(visitor);
    const address = this.#inside.get(visitor);
    if (address === undefined) return;
    this.#inside.delete(visitor);
    this.#insideByAddress.leave(address);
    this.#pump.run();
  }

  #greetNext(): PumpStep {
    if (!this.#parts.limit.hasRoom(this.#inside.size)) return 'done';
    const next = this.#waiting.shift(this.#mayGo);
    if (next === undefined) return 'done';
    this.#seats.delete(next);
    const { address } = next;
    this.#inside.set(next, address);
    this.#insideByAddress.enter(address);
    next.greet();
    return 'more';
  }
}
