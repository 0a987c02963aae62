// Hot path. How long a quick command waits for Redis, for those who look at it from outside of the
// command lane. Promise: what the lane measured is remembered for a while when it has nothing to do.

/** The lane forgets at once; the next FETCH is not so quick to find out how slow the server is. */
const REMEMBERED_MS = 5000;

export class CommandTime {
  readonly #measured: () => number | null;
  #ms = 0;
  #knownAt = -Infinity;

  /** `measured`: in ms; null while it is not known. */
  constructor(measured: () => number | null) {
    this.#measured = measured;
  }

  /** In ms, at `now` (monotonic ms); 0 if it is not known, or a full CPU is what takes the time. */
  ms(now: number): number {
    const measured = this.#measured();
    if (measured !== null) {
      this.#ms = measured;
      this.#knownAt = now;
    }
    return now - this.#knownAt < REMEMBERED_MS ? this.#ms : 0;
  }
}
