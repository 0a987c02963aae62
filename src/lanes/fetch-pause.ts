// When no FETCH is sent, so that clients get nil. Promise: none while Redis refuses writes: Faktory would
// pop a job, fail to reserve it and lose it (v1.7.0 manager/fetch.go and manager/working.go reserve).
// None while the bouncer is paused, and none while there is no memory for the job that it would bring.

import type { BudgetListener } from '../base/buffer-budget.ts';
import type { Limit } from '../base/limit.ts';
import type { Pause, PauseListener } from '../server/pause.ts';
import type { WriteHealth, WriteHealthListener } from '../server/write-health.ts';

export class FetchPause implements WriteHealthListener, BudgetListener, PauseListener {
  readonly #fetchesInFlight: Limit;
  readonly #health: WriteHealth;
  readonly #pause: Pause;

  constructor(fetchesInFlight: Limit, health: WriteHealth, pause: Pause) {
    this.#fetchesInFlight = fetchesInFlight;
    this.#health = health;
    this.#pause = pause;
  }

  onWriteState(): void {
    this.reconsider();
  }

  onPause(): void {
    this.reconsider();
  }

  /** The write state, or the rule that acts on it, may be another. */
  reconsider(): void {
    const { state, mayWrite } = this.#health;
    const isPaused = this.#pause.isPaused || (state.kind === 'refusing' && !mayWrite);
    this.#fetchesInFlight.set('paused', isPaused ? 0 : Infinity);
  }

  onBufferRoom(hasRoom: boolean): void {
    this.#fetchesInFlight.set('buffered', hasRoom ? Infinity : 0);
  }
}
