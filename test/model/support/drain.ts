// A drain in the middle of a run. Promise: it comes to its end; whether it had to cut anything short
// is known.

import { turn } from '../../support/settle.ts';
import type { Scene } from './scene.ts';

export class Drain {
  readonly #scene: Scene;
  #state: 'not begun' | 'under way' | 'over' = 'not begun';
  #wasCutShort = false;

  constructor(scene: Scene) {
    this.#scene = scene;
  }

  get hasBegun(): boolean {
    return this.#state !== 'not begun';
  }

  /** drain_timeout was over before all was done. */
  get wasCutShort(): boolean {
    return this.#wasCutShort;
  }

  begin(): void {
    if (this.hasBegun) return;
    const { house, tally, problems } = this.#scene;
    const { clock, config } = house;
    const deadline = clock.now() + config.drainTimeoutMs;
    this.#state = 'under way';
    house.bouncer.drain('model').then(
      () => {
        this.#state = 'over';
        this.#wasCutShort = clock.now() >= deadline;
        tally.add(`drain: ${this.#wasCutShort ? 'cut short' : 'in good order'}`);
      },
      (error: unknown) => problems.push(`the drain fails: ${String(error)}`),
    );
  }

  async check(): Promise<void> {
    await turn();
    if (this.#state === 'under way') this.#scene.problems.push('the drain does not end');
  }
}
