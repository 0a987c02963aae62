// Jobs that Faktory handed to a client that had left. Promise: each finds another taker or is given
// back, within the hold time, once, and is counted by its fate; none stays reserved without a client.

import type { BufferBudget } from '../base/buffer-budget.ts';
import type { Clock } from '../base/clock.ts';
import { type Deadline, Deadlines, NO_DEADLINE } from '../base/deadlines.ts';
import type { LaneCounts } from './lane-counts.ts';
import type { Live } from '../base/live.ts';
import type { FetchedJob, ReservedJob } from '../protocol/job.ts';
import type { GiveBackOutcome, Giver } from '../server/giving-back.ts';
import type { LaneSettings } from './lane-settings.ts';

/** Where FETCHes wait that have not been sent. */
export interface WaitingFetches {
  takeWaiting(
    queue: string,
    worker: string | null,
  ): { readonly worker: string | null; answered(reply: Buffer): void } | null;
}

export interface StrayJobsParts {
  readonly clock: Clock;
  readonly counts: LaneCounts;
  readonly settings: Live<LaneSettings>;
  /** Tells Faktory that a job was not done. */
  readonly control: { giveBack(job: ReservedJob, arrivedAt: number, giver: Giver): void };
  readonly budget: Pick<BufferBudget, 'keeps'>;
}

interface Held {
  readonly job: FetchedJob;
  readonly worker: string | null;
  /** Monotonic ms. */
  readonly arrivedAt: number;
  deadline: Deadline;
}

export class StrayJobs implements Giver {
  readonly #parts: StrayJobsParts;
  readonly #held = new Set<Held>();
  readonly #deadlines: Deadlines<Held>;

  constructor(parts: StrayJobsParts) {
    this.#parts = parts;
    this.#deadlines = new Deadlines(
      parts.clock,
      () => parts.settings.current.holdMs,
      (held) => this.#giveBack(held),
    );
  }

  get size(): number {
    return this.#held.size;
  }

  /** Takes in `job`, which was fetched in the name of `worker`; `fetches` may hold a taker. */
  offer(job: FetchedJob, worker: string | null, fetches: WaitingFetches): void {
    const taker = fetches.takeWaiting(job.queue, worker);
    if (taker !== null) {
      taker.answered(job.reply);
      this.#countTaker(taker.worker, worker);
      return;
    }
    const arrivedAt = this.#parts.clock.now();
    const held: Held = { job, worker, arrivedAt, deadline: NO_DEADLINE };
    this.#held.add(held);
    this.#parts.budget.keeps(job.reply.length);
    held.deadline = this.#deadlines.add(held);
  }

  /** A held job for a FETCH of `worker` over `queues`, as its whole reply; its own worker's first. */
  takeFor(worker: string | null, queues: readonly string[]): Buffer | null {
    let found: Held | null = null;
    for (const held of this.#held) {
      if (found !== null && held.worker !== worker) continue;
      if (!queues.includes(held.job.queue)) continue;
      found = held;
      if (held.worker === worker) break;
    }
    if (found === null) return null;
    this.#countTaker(worker, found.worker);
    found.deadline.cancel();
    this.#forget(found);
    return found.job.reply;
  }

  /** A job was lost with its connection, half read: it is Faktory's until its reservation runs out. */
  leaveReserved(): void {
    this.#parts.counts.strayJobs.add('left_reserved');
  }

  /** The giving back of `job` is settled. */
  gaveBack(job: ReservedJob, outcome: GiveBackOutcome): void {
    const fate = outcome === 'given_back' ? (`given_back_${job.fateOnFailure}` as const) : outcome;
    this.#parts.counts.strayJobs.add(fate);
  }

  /** Gives back all that is held, as at a stop. */
  giveBackAll(): void {
    for (const held of this.#held) {
      held.deadline.cancel();
      this.#giveBack(held);
    }
  }

  #giveBack(held: Held): void {
    this.#forget(held);
    const { reply: _, ...reserved } = held.job;
    this.#parts.control.giveBack(reserved, held.arrivedAt, this);
  }

  #forget(held: Held): void {
    this.#held.delete(held);
    this.#parts.budget.keeps(-held.job.reply.length);
  }

  #countTaker(taker: string | null, worker: string | null): void {
    const same = taker === worker && worker !== null;
    this.#parts.counts.strayJobs.add(same ? 'taken_over_same_worker' : 'taken_over_other_worker');
  }
}
