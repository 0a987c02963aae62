// Whether Faktory can be reached. Promise: it is up while the bouncer's own connection is open, and down
// from the first failed dial of that connection on; no other connection's fate changes it.

import type { DialPermits } from './dial-permits.ts';
import { type DialFailure, type ServerEndReason, TLS_FAILURES } from './server-states.ts';

export interface HealthListener {
  /** Faktory was found up, or down because of `failure`. */
  onHealth(up: boolean, failure: DialFailure | null): void;
}

/** `unknown`: before the first dial has ended. */
type Health = 'unknown' | 'up' | 'down';

export class ServerHealth {
  readonly #listener: HealthListener;
  readonly #permits: Pick<DialPermits, 'mayDial'>;
  #health: Health = 'unknown';
  #lastFailure: DialFailure | null = null;

  constructor(listener: HealthListener, permits: Pick<DialPermits, 'mayDial'>) {
    this.#listener = listener;
    this.#permits = permits;
  }

  /** False before the first dial too. */
  get isUp(): boolean {
    return this.#health === 'up';
  }

  /** Why the last dial of any connection failed; null if it succeeded. */
  get lastFailure(): ServerEndReason | null {
    return this.#lastFailure?.reason ?? null;
  }

  /** What keeps the bouncer from Faktory, as the last dial has found it; `shared_limit`: it may not dial; `slow`: nothing but the time. */
  get obstacle(): 'outage' | 'login' | 'tls' | 'shared_limit' | 'slow' {
    const { lastFailure } = this;
    if (this.isUp && lastFailure === null) return this.#permits.mayDial ? 'slow' : 'shared_limit';
    if (lastFailure === 'handshake_failed') return 'login';
    return lastFailure !== null && TLS_FAILURES.has(lastFailure) ? 'tls' : 'outage';
  }

  /** Any dial has ended. */
  dialSucceeded(): void {
    this.#lastFailure = null;
  }

  dialFailed(failure: DialFailure): void {
    this.#lastFailure = failure;
  }

  /** The bouncer's own connection is open. */
  ownIsOpen(): void {
    if (this.#health === 'up') return;
    this.#health = 'up';
    this.#listener.onHealth(true, null);
  }

  /** A dial for the bouncer's own connection has failed; it goes on dialling. */
  ownDialFailed(failure: DialFailure): void {
    if (this.#health === 'down') return;
    this.#health = 'down';
    this.#listener.onHealth(false, failure);
  }
}
