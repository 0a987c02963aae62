// What all clients together may have buffered. Promise: past the limit, clients with something
// buffered stop reading, except one at a time, so that lines still get finished and the rest
// gets its turn.

import type { Live } from '../base/live.ts';
import { Line, type Seat } from '../base/line.ts';

/** A client that can be made to stop reading. */
export interface BudgetMember {
  resumeReading(): void;
}

export class BufferBudget {
  readonly #settings: Live<{ readonly bufferedBytes: number }>;
  readonly #held = new Map<BudgetMember, number>();
  readonly #paused = new Line<BudgetMember>();
  readonly #seats = new Map<BudgetMember, Seat<BudgetMember>>();
  #usedBytes = 0;
  /** The one that may go on reading past the limit. */
  #exempt: BudgetMember | null = null;

  constructor(settings: Live<{ readonly bufferedBytes: number }>) {
    this.#settings = settings;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** Whether `member` is the one that all others wait for. */
  holdsUpOthers(member: BudgetMember): boolean {
    return this.#exempt === member && this.#paused.length > 0;
  }

  /** Notes how many bytes `member` holds now; false when it must stop reading until it is resumed. */
  hold(member: BudgetMember, bytes: number): boolean {
    this.#usedBytes += bytes - (this.#held.get(member) ?? 0);
    if (bytes === 0) this.#holdsNothing(member);
    else this.#held.set(member, bytes);
    this.#resume();
    if (bytes === 0 || this.#usedBytes <= this.#settings.current.bufferedBytes) return true;
    this.#exempt ??= member;
    if (this.#exempt === member) return true;
    if (!this.#seats.has(member)) this.#seats.set(member, this.#paused.join(member));
    return false;
  }

  /** The limit may be higher. */
  settingsChanged(): void {
    this.#resume();
  }

  /** `member` is gone and holds nothing. */
  leave(member: BudgetMember): void {
    this.hold(member, 0);
  }

  /** It may go on, so it must not be waiting: resumed later as the exempt one, it would hold up all. */
  #holdsNothing(member: BudgetMember): void {
    this.#held.delete(member);
    this.#seats.get(member)?.leave();
    this.#seats.delete(member);
    if (this.#exempt === member) this.#exempt = null;
  }

  #resume(): void {
    while (this.#paused.length > 0) {
      const isUnder = this.#usedBytes <= this.#settings.current.bufferedBytes;
      if (!isUnder && this.#exempt !== null) return;
      const next = this.#paused.shift();
      if (next === undefined) return;
      this.#seats.delete(next);
      if (!isUnder) this.#exempt = next;
      next.resumeReading();
    }
  }
}
