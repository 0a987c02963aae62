// The local ports that dials leave from, where an operator has given a range. Promise: each port is used
// by one connection at a time; the one that has been free longest comes first, as far as a round goes.

import type { PortRange } from './address.ts';

export class LocalPorts {
  readonly #inUse = new Set<number>();
  #next = 0;

  /** A port of `range` that no connection of ours uses; null where all are in use. */
  take({ first, last }: PortRange): number | null {
    const size = last - first + 1;
    for (let tried = 0; tried < size; tried += 1) {
      const port = first + (this.#next % size);
      this.#next += 1;
      if (this.#inUse.has(port)) continue;
      this.#inUse.add(port);
      return port;
    }
    return null;
  }

  free(port: number): void {
    this.#inUse.delete(port);
  }
}
