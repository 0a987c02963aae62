// Whether Faktory can be reached. Promise: it is up while the bouncer's own connection is open or the
// last dial succeeded; a dial that fails while the own connection is open does not make it down.

import type { ServerEndReason } from './server-states.ts';

export interface HealthListener {
  /** Faktory was found up, or down for `reason`. */
  onHealth(up: boolean, reason: ServerEndReason | null): void;
}

/** `unknown`: before the first dial has ended. */
type Health = 'unknown' | 'up' | 'down';

export class ServerHealth {
  readonly #listener: HealthListener;
  #health: Health = 'unknown';
  #lastFailure: ServerEndReason | null = null;
  #ownIsOpen = false;

  constructor(listener: HealthListener) {
    this.#listener = listener;
  }

  /** False before the first dial too. */
  get isUp(): boolean {
    return this.#health === 'up';
  }

  /** Why the last dial failed; null where it succeeded. */
  get lastFailure(): ServerEndReason | null {
    return this.#lastFailure;
  }

  /** Whether Faktory, when last tried, refused the bouncer's login. */
  get refusedUs(): boolean {
    return this.#lastFailure === 'handshake_failed';
  }

  dialSucceeded(): void {
    this.#lastFailure = null;
    if (this.#health === 'up') return;
    this.#health = 'up';
    this.#listener.onHealth(true, null);
  }

  dialFailed(reason: ServerEndReason): void {
    this.#lastFailure = reason;
    if (this.#ownIsOpen || this.#health === 'down') return;
    this.#health = 'down';
    this.#listener.onHealth(false, reason);
  }

  /** The bouncer's own connection, which goes on dialling until it is open. */
  ownConnectionIs(state: 'open' | 'closed'): void {
    this.#ownIsOpen = state === 'open';
  }
}
