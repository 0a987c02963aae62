// Hot path. How long Faktory works on commands in session mode, added up. Promise: nothing is measured
// while nobody asks for it; what was answered counts once.

import type { Verb } from '../protocol/verbs.ts';

/** What Faktory has done since the start, as far as it was measured; ever growing. */
export interface WorkDone {
  /** PUSHes, ACKs and FAILs that it has answered. */
  readonly answered: number;
  /** For how long it worked on them in all, at least; milliseconds. */
  readonly workedMs: number;
}

export class RoundTrips {
  /** Whether somebody wants to know. */
  isOn = false;
  #answered = 0;
  #workedMs = 0;

  get done(): WorkDone {
    return { answered: this.#answered, workedMs: this.#workedMs };
  }

  /**
   * Faktory has worked for `workedMs` on a command. A FETCH blocks by design, and a BEAT is answered from
   * memory: among the others it would make a slow Redis look faster than it is.
   */
  answered(verb: Verb, workedMs: number): void {
    if (verb !== 'PUSH' && verb !== 'ACK' && verb !== 'FAIL') return;
    this.#answered += 1;
    this.#workedMs += workedMs;
  }
}
