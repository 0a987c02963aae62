// Which of those that wait is to be looked at next. Promise: everyone in whose way something may not be any
// more comes up, in the order of the line; nobody else is looked at.

import { Fifo } from '../base/fifo.ts';
import type { Crowds } from './crowds.ts';
import type { Places } from './places.ts';
import { ROLES } from './roles.ts';
import type { Wait, Waiting, WaitingLine } from './waiting-line.ts';

export class NextInLine<Visitor extends Waiting> {
  readonly #line: WaitingLine<Visitor>;
  readonly #crowds: Crowds;
  readonly #places: Places;
  /** Workers and addresses that may have room since the last look, or a place that is enough for all. */
  readonly #changedWorkers = new Set<string>();
  readonly #changedAddresses = new Set<string>();
  /** After a limit has moved: all who wait, to be looked at once. */
  readonly #reconsidered = new Fifo<Wait<Visitor>>();

  constructor(line: WaitingLine<Visitor>, crowds: Crowds, places: Places) {
    this.#line = line;
    this.#crowds = crowds;
    this.#places = places;
  }

  /** A client of `wid` has come in, with a place that may be enough for the others, or has left. */
  workerChanged(wid: string): void {
    this.#changedWorkers.add(wid);
  }

  addressChanged(address: string): void {
    this.#changedAddresses.add(address);
  }

  /** A limit has moved: everyone is to be looked at. */
  allChanged(): void {
    for (const wait of this.#line.all()) this.#reconsidered.push(wait);
  }

  /** The first of those to be looked at; null: there is nobody. */
  next(): Wait<Visitor> | null {
    for (let wait = this.#reconsidered.shift(); wait !== undefined;) {
      if (this.#line.has(wait.visitor)) return wait;
      wait = this.#reconsidered.shift();
    }
    let next: Wait<Visitor> | null = null;
    for (const wid of this.#changedWorkers) {
      const found = earlier(this.#ofWorker(wid), this.#withoutNeed(wid));
      if (found === null) this.#changedWorkers.delete(wid);
      next = earlier(next, found);
    }
    for (const address of this.#changedAddresses) {
      const found = this.#ofAddress(address);
      if (found === null) this.#changedAddresses.delete(address);
      next = earlier(next, found);
    }
    for (const role of ROLES) {
      if (this.#places.hasRoomFor(role)) next = earlier(next, this.#line.firstForPlace(role));
    }
    return next;
  }

  #ofWorker(wid: string): Wait<Visitor> | null {
    return this.#crowds.workerHasRoom(wid) ? this.#line.firstForWorker(wid) : null;
  }

  #ofAddress(address: string): Wait<Visitor> | null {
    return this.#crowds.addressHasRoom(address) ? this.#line.firstForAddress(address) : null;
  }

  /** One that waits for a place and needs none any more: all of one worker need one, or none does. */
  #withoutNeed(wid: string): Wait<Visitor> | null {
    const first = this.#line.firstForPlaceOf(wid);
    return first === null || first.visitor.needsPlace(first.role) ? null : first;
  }
}

function earlier<Visitor extends Waiting>(
  one: Wait<Visitor> | null,
  other: Wait<Visitor> | null,
): Wait<Visitor> | null {
  if (one === null || other === null) return one ?? other;
  return one.rank < other.rank ? one : other;
}
