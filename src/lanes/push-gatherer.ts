// Hot path. PUSHes that may travel together. Promise: those that wait when a server connection is free
// go over it as one, shared out evenly over all that are free; none waits while one is free for
// longer than the turn of the event loop, and none without end; no two of one bulk have the same jid, since
// its answer could not tell them apart.

import type { Fifo } from '../base/fifo.ts';
import { REFUSED_ALIKE } from '../protocol/bulk-mark.ts';
import type { LaneCommand } from './lane-command.ts';

/**
 * Jobs in one PUSHB; it bounds how long the first waits for the last. Faktory and its Redis spend
 * 36 µs on a PUSH by itself, on one of 16 in a PUSHB 32, on one of 64 25.
 */
const JOBS_MAX = 32;
/** Bytes in one PUSHB, unless a single job is larger. */
const BYTES_MAX = 64 * 1024;

/** The server connections that the PUSHes go over. */
export interface BulkCarrier {
  /** How many server connections are free for it now. */
  bulkRoom(): number;
  /** Most jobs in one PUSHB: as many as Faktory is known to store in time. */
  readonly bulkJobs: number;
  /** Sends `pushes`, which may be a single one, over a free one. */
  carry(pushes: readonly LaneCommand[]): void;
}

export class PushGatherer {
  readonly #carrier: BulkCarrier;
  readonly #waiting: Fifo<LaneCommand>;
  #isDue = false;
  readonly #onBug: (error: unknown) => void;
  readonly #turnEnds = (): void => this.#sendAllGuarded();

  /** `waiting`: those that wait, oldest first; others may take some out. */
  constructor(carrier: BulkCarrier, waiting: Fifo<LaneCommand>, onBug: (error: unknown) => void) {
    this.#carrier = carrier;
    this.#waiting = waiting;
    this.#onBug = onBug;
  }

  add(push: LaneCommand): void {
    this.#waiting.push(push);
    this.onRoom();
  }

  /** There may be room again: what waits goes at the end of this turn, with what comes until then. */
  onRoom(): void {
    if (this.#isDue || this.#waiting.length === 0) return;
    this.#isDue = true;
    setImmediate(this.#turnEnds);
  }

  #sendAllGuarded(): void {
    this.#isDue = false;
    try {
      this.#sendAll();
    } catch (error) {
      this.#onBug(error);
    }
  }

  #sendAll(): void {
    for (let room = this.#carrier.bulkRoom(); room > 0; room -= 1) {
      const pushes = this.#take(Math.ceil(this.#waiting.length / room));
      if (pushes.length === 0) return;
      this.#carrier.carry(pushes);
    }
  }

  #take(share: number): LaneCommand[] {
    const pushes: LaneCommand[] = [];
    let bytes = 0;
    const most = Math.min(share, JOBS_MAX, this.#carrier.bulkJobs);
    while (pushes.length < most) {
      const next = this.#waiting.peek();
      if (next === undefined || (bytes > 0 && bytes + next.line.length > BYTES_MAX)) break;
      // Faktory has not seen the PUSH of a client that has left: it counts as not sent.
      if (!next.isWanted || next.holdsBack()) {
        this.#waiting.shift();
        continue;
      }
      if (holdsJidOf(next, pushes)) break;
      this.#waiting.shift();
      bytes += next.line.length;
      pushes.push(next);
    }
    return pushes;
  }
}

/** Whether one of `pushes` may have the jid of `next`, which is then for the next bulk. */
function holdsJidOf({ bulkMark }: LaneCommand, pushes: readonly LaneCommand[]): boolean {
  if (bulkMark === REFUSED_ALIKE) return false;
  for (const push of pushes) if (push.bulkMark === bulkMark) return true;
  return false;
}
