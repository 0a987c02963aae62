// A clock whose timers have an error boundary. Promise: a timer's act that throws is told to one handler,
// and neither ends the process nor stops another timer.

import type { Clock, Timer } from './clock.ts';

export class GuardedClock implements Clock {
  readonly #clock: Clock;
  readonly #onError: (error: unknown) => void;

  constructor(clock: Clock, onError: (error: unknown) => void) {
    this.#clock = clock;
    this.#onError = onError;
  }

  now(): number {
    return this.#clock.now();
  }

  idleMs(): number {
    return this.#clock.idleMs();
  }

  wallMs(): number {
    return this.#clock.wallMs();
  }

  after(ms: number, act: () => void): Timer {
    return this.#clock.after(ms, () => {
      try {
        act();
      } catch (error) {
        this.#onError(error);
      }
    });
  }
}
