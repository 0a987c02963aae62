// Whether the bouncer sends commands to Faktory. Promise: while it is paused, what is at Faktory is
// answered and nothing new is sent, neither for clients nor for the bouncer itself; connections stay, and
// lost ones are dialled again, so that everything goes on at once afterwards.

/** What holds something back, or lets it go on. */
export interface PauseListener {
  onPause(isPaused: boolean): void;
}

export class Pause {
  readonly #listeners: PauseListener[] = [];
  #isPaused = false;

  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** Tells `listener` each change from now on. */
  onChange(listener: PauseListener): void {
    this.#listeners.push(listener);
  }

  /** False if it was so already. */
  set(isPaused: boolean): boolean {
    if (this.#isPaused === isPaused) return false;
    this.#isPaused = isPaused;
    for (const listener of this.#listeners) listener.onPause(isPaused);
    return true;
  }
}
