// Hot path. Whether jobs flow in a set of queues: its FETCHes find jobs there, rather than wait for one.
// Promise: pure over measured times, with `now` (monotonic ms) as a parameter.

/**
 * Jobs flow when so many FETCHes in a row had theirs as fast as the server can find one, the last of
 * them not long ago. A job now and then is no reason for a second FETCH: 400 workers that share 200 jobs
 * per second would each have held two or more server connections, 827 in all, and hold one.
 */
const IN_A_ROW = 3;
const NOT_LONG_AGO_MS = 100;
/** The longest way to Faktory and back, under load, that still counts as finding a job there. */
const FOUND_WITHIN_MS = 250;
/** FETCH takes two Redis commands with a job, PUSH one, ACK three (v1.7.0 manager/fetch.go, working.go). */
const FOUND_WITHIN_COMMANDS = 2;

/** How long a FETCH may take that found a job, where the server takes `commandMs` for a quick command. */
export function foundWithinMs(commandMs: number): number {
  return Math.max(FOUND_WITHIN_MS, FOUND_WITHIN_COMMANDS * commandMs);
}

export class FetchFlow {
  /** How long the last FETCHes took that brought jobs, in ms; empty after one without. */
  readonly #tookMs: number[] = [];
  /** When Faktory last answered one, also with nil. */
  #lastReplyAt = -Infinity;

  /** Faktory has answered a FETCH that was sent `tookMs` ago: with a job, or nil. */
  replied(isJob: boolean, tookMs: number, now: number): void {
    const took = this.#tookMs;
    if (!isJob) took.length = 0;
    else if (took.push(tookMs) > IN_A_ROW) took.shift();
    this.#lastReplyAt = now;
  }

  /** `withinMs`: how long a FETCH may take that found a job. */
  isFlowing(now: number, withinMs: number): boolean {
    if (this.#tookMs.length < IN_A_ROW || now - this.#lastReplyAt >= NOT_LONG_AGO_MS) return false;
    for (const took of this.#tookMs) if (took >= withinMs) return false;
    return true;
  }
}
