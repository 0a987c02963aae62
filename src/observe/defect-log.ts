// Defects of the bouncer, in the log. Promise: each is counted, and logged at a bounded rate; one that may
// have left a shared count wrong ends the process.

import { SharedCountError } from '../base/check.ts';
import type { Clock } from '../base/clock.ts';
import type { Counts } from './counts.ts';
import type { Logger } from './log.ts';
import { RateLimitedLog } from './rate-limited-log.ts';

const INTERVAL_MS = 10_000;

export class DefectLog {
  readonly #clock: Clock;
  readonly #count: Counts['bugs'];
  readonly #lines: RateLimitedLog<'bug'>;

  constructor(log: Pick<Logger, 'error'>, clock: Clock, count: Counts['bugs']) {
    this.#clock = clock;
    this.#count = count;
    this.#lines = new RateLimitedLog((fields, text) => log.error(fields, text), INTERVAL_MS);
  }

  /** Throws `error` again where a count that all share may be wrong. */
  bug(error: unknown): void {
    this.#count.total += 1;
    const text = 'a defect of the bouncer closed a connection';
    this.#lines.line('bug', this.#clock.now(), { err: error }, text);
    if (error instanceof SharedCountError) throw error;
  }
}
