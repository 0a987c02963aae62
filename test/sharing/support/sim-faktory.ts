// Faktory in a simulation: it counts its connections, and calls out when there are more than the limit.

import { SimTime } from './sim-time.ts';

/** One connection as Faktory sees it. */
export interface SimConnection {
  /** Faktory has ended it. */
  readonly onEnd: () => void;
  /** Who opened it. */
  readonly owner: object;
}

export class SimFaktory {
  readonly #time: SimTime;
  /** More connections than this are a defect. */
  limit: number;
  readonly #connections = new Set<SimConnection>();
  isUp = true;
  peak = 0;

  constructor(time: SimTime, limit: number) {
    this.#time = time;
    this.limit = limit;
  }

  get count(): number {
    return this.#connections.size;
  }

  has(connection: SimConnection): boolean {
    return this.#connections.has(connection);
  }

  countOf(owner: object): number {
    let count = 0;
    for (const connection of this.#connections) if (connection.owner === owner) count += 1;
    return count;
  }

  accept(connection: SimConnection): void {
    this.#connections.add(connection);
    this.peak = Math.max(this.peak, this.count);
    if (this.count <= this.limit) return;
    throw new Error(`${this.count} connections (limit ${this.limit}) at ${this.#time.now} ms`);
  }

  /** It does not count any more. */
  drop(connection: SimConnection): void {
    this.#connections.delete(connection);
  }

  /** Those of `owner`, or all, are over, and Faktory says so. */
  endAll(owner: object | null): void {
    for (const connection of this.#connections) {
      if (owner !== null && connection.owner !== owner) continue;
      this.#connections.delete(connection);
      connection.onEnd();
    }
  }

  /** Those of bouncers that are not among `owners` are over. */
  all(): Iterable<SimConnection> {
    return this.#connections;
  }

  endAllBut(owners: ReadonlySet<object>): void {
    for (const { owner } of this.#connections) if (!owners.has(owner)) this.endAll(owner);
  }
}
