// How clients leave when the bouncer stops. Promise: those that are not in yet are refused at once; the
// others are asked to leave a few at a time, and until its turn each is served as before, so that their
// reconnects reach the next bouncer, or Faktory, as a stream and not as a storm.

import type { ListedClient } from './client-connections.ts';

/** Between two turns. */
export const DEPARTURE_INTERVAL_MS = 100;
/**
 * A thousand per second: 1000 logins of 2 ms with a password keep two cores busy, and the 10,000 clients
 * of the default limit are gone in 10 s of the 25 s of drain_timeout.
 */
const LEAVING_PER_TURN = 100;

export class Departure {
  readonly #waiting: readonly ListedClient[];
  readonly #perTurn: number;
  #next = 0;

  /** All of `waiting` have had their turn after `spreadMs` at the latest. */
  constructor(waiting: readonly ListedClient[], spreadMs: number) {
    const turns = Math.max(1, Math.floor(spreadMs / DEPARTURE_INTERVAL_MS));
    this.#waiting = waiting;
    this.#perTurn = Math.max(LEAVING_PER_TURN, Math.ceil(waiting.length / turns));
  }

  /** Whether the next turn is the last one. */
  get isLastTurn(): boolean {
    return this.#waiting.length - this.#next <= this.#perTurn;
  }

  /** Those whose turn it is close once nothing is outstanding. */
  takeTurn(): void {
    const until = Math.min(this.#waiting.length, this.#next + this.#perTurn);
    for (; this.#next < until; this.#next += 1) this.#waiting[this.#next]?.drain();
  }
}
