// A log line that may be asked for thousands of times a second. Promise: for each key of a closed
// set the first line is written at once, then at most one per interval, which says how many were
// left out since the one before. Counting every occurrence is left to the counts.

/** The one thing that is needed of a log: pino's `warn`, `info` and so on fit, once bound. */
export type WriteLine = (fields: object, text: string) => void;

interface KeyState {
  writtenAt: number;
  suppressed: number;
}

export class RateLimitedLog<Key extends string> {
  readonly #write: WriteLine;
  readonly #intervalMs: number;
  /** At most one entry per key, and the keys are a closed set: this cannot grow. */
  readonly #states = new Map<Key, KeyState>();

  constructor(write: WriteLine, intervalMs: number) {
    this.#write = write;
    this.#intervalMs = intervalMs;
  }

  /**
   * Writes the line, unless one of the same key was written less than the interval ago.
   * `fields.suppressed` is how many were left out before this one; it is absent when none were.
   */
  line(key: Key, now: number, fields: object, text: string): void {
    const state = this.#states.get(key);
    if (state === undefined) {
      this.#states.set(key, { writtenAt: now, suppressed: 0 });
      this.#write(fields, text);
      return;
    }
    if (now - state.writtenAt < this.#intervalMs) {
      state.suppressed += 1;
      return;
    }
    const { suppressed } = state;
    state.writtenAt = now;
    state.suppressed = 0;
    this.#write(suppressed === 0 ? fields : { ...fields, suppressed }, text);
  }
}
