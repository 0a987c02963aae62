// No FETCH while Redis refuses writes. Promise: none is sent then, so that clients get nil: Faktory would
// pop a job, fail to reserve it and lose it (v1.7.0 manager/fetch.go and manager/working.go reserve).

import type { Limit } from '../base/limit.ts';
import type { WriteHealth, WriteHealthListener } from '../server/write-health.ts';

export class FetchPause implements WriteHealthListener {
  readonly #fetchesInFlight: Limit;
  readonly #health: WriteHealth;

  constructor(fetchesInFlight: Limit, health: WriteHealth) {
    this.#fetchesInFlight = fetchesInFlight;
    this.#health = health;
  }

  onWriteState(): void {
    this.reconsider();
  }

  /** The write state, or the rule that acts on it, may be another. */
  reconsider(): void {
    const { state, mayWrite } = this.#health;
    const isPaused = state.kind === 'refusing' && !mayWrite;
    this.#fetchesInFlight.set('paused', isPaused ? 0 : Infinity);
  }
}
