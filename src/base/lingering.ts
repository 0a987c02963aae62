// Connections that send nothing more and wait for their peer's close. Promise: one that the peer does
// not close in turn within the bound is destroyed.

import type { Clock } from './clock.ts';
import { type Deadline, Deadlines } from './deadlines.ts';

/** A wire, or a socket. */
export interface Destroyable {
  destroy(): unknown;
}

export class Lingering {
  readonly #deadlines: Deadlines<Destroyable>;
  readonly #entries = new Map<Destroyable, Deadline>();

  constructor(clock: Clock, lingerMs: number) {
    this.#deadlines = new Deadlines(
      clock,
      () => lingerMs,
      (connection) => {
        this.#entries.delete(connection);
        connection.destroy();
      },
    );
  }

  add(connection: Destroyable): void {
    if (this.#entries.has(connection)) return;
    this.#entries.set(connection, this.#deadlines.add(connection));
  }

  remove(connection: Destroyable): void {
    this.#entries.get(connection)?.cancel();
    this.#entries.delete(connection);
  }
}
