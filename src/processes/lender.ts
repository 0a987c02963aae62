// Lends limits.server_connections to the processes of one bouncer, as Redis does to several bouncers. Promise:
// what is lent is never more than the limit, the connections of processes that have ended included, until
// Faktory's own count shows them gone; nothing is lent twice because the parent process was replaced.

import { lend, type Stored } from '../sharing/lend.ts';
import type { LeaseReply, LeaseRequest } from '../sharing/lease.ts';

/** The parent's memory lives as long as it does. */
const RUN = 'parent';

export class Lender {
  #stored: Stored | null = null;
  /** By the number of the process. */
  readonly #last = new Map<number, LeaseRequest>();

  /** Answers the process `index` at `now` (monotonic ms). */
  answer(index: number, request: LeaseRequest, now: number): LeaseReply {
    this.#last.set(index, request);
    const { stored, reply } = lend(this.#stored, request, Math.floor(now), RUN);
    this.#stored = stored;
    return reply;
  }

  /**
   * The process `index` has ended. What it held stays counted until a round of the fence, in which no
   * process needs to be waited for: it is sure not to live.
   */
  ended(index: number, now: number): void {
    const last = this.#last.get(index);
    this.#last.delete(index);
    if (last === undefined || last.kind === 'leave') return;
    const places = this.#stored?.live[last.id]?.places ?? 0;
    const gone = { ...last, kind: 'leave', seq: last.seq + 1, used: places } as const;
    this.#stored = lend(this.#stored, gone, Math.floor(now), RUN).stored;
  }
}
