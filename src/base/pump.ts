// Hot path. Work that is done step by step, and that its own steps can ask for again. Promise: never a
// loop within a loop; a call from within makes the running loop go round again; a step that throws is
// told to one handler, and the next step has its turn.

/** What a step found: something to do, so that there may be more; or nothing. */
export type PumpStep = 'more' | 'done';

export class Pump {
  readonly #step: () => PumpStep;
  readonly #onError: (error: unknown) => void;
  #isRunning = false;
  #mustGoRound = false;

  /**
   * `step` does one thing at most. It takes the thing out of its line before it acts on it: a step that
   * throws is called again, and must then find the next thing.
   */
  constructor(step: () => PumpStep, onError: (error: unknown) => void) {
    this.#step = step;
    this.#onError = onError;
  }

  /** Whether a step is being done, so that what is free now belongs to the loop. */
  get isRunning(): boolean {
    return this.#isRunning;
  }

  /** Does steps until there is nothing to do. False from within a step: the running loop goes round again. */
  run(): boolean {
    if (this.#isRunning) {
      this.#mustGoRound = true;
      return false;
    }
    this.#isRunning = true;
    try {
      let found: PumpStep;
      do {
        this.#mustGoRound = false;
        found = this.#guarded();
      } while (found === 'more' || this.#mustGoRound);
    } finally {
      this.#isRunning = false;
    }
    return true;
  }

  #guarded(): PumpStep {
    try {
      return this.#step();
    } catch (error) {
      this.#onError(error);
      return 'more';
    }
  }
}
