// The address of the statsd receiver. Promise: it is looked up once in half a minute at most, found or
// not, and once at a time, however many packets want it: lookups share four threads with those for
// Faktory, and each may take seconds while DNS is away. An address is its own answer.

import { lookup } from 'node:dns';
import { isIP } from 'node:net';

export type Found = (error: NodeJS.ErrnoException | null, address: string, family: number) => void;

const KEPT_MS = 30_000;

interface Answer {
  readonly error: NodeJS.ErrnoException | null;
  readonly address: string;
  readonly at: number;
}

export class CachedLookup {
  readonly #now: () => number;
  readonly #lookup: typeof lookupIPv4;
  #answer: Answer | null = null;
  /** Those that wait for the lookup under way; null without one. At most a report's packets. */
  #waiting: Found[] | null = null;

  /** `now`: monotonic ms. */
  constructor(now: () => number, how: typeof lookupIPv4 = lookupIPv4) {
    this.#now = now;
    this.#lookup = how;
  }

  /** `name`: the receiver's, always the same one, or an address: a socket looks up what it binds to, too. */
  lookup(name: string, found: Found): void {
    if (isIP(name) !== 0) return found(null, name, 4);
    const answer = this.#answer;
    if (answer !== null && this.#now() - answer.at < KEPT_MS) {
      found(answer.error, answer.address, 4);
      return;
    }
    if (this.#waiting !== null) {
      this.#waiting.push(found);
      return;
    }
    this.#waiting = [found];
    this.#lookup(name, (error, address) => this.#answered({ error, address, at: this.#now() }));
  }

  #answered(answer: Answer): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = null;
    this.#answer = answer;
    for (const found of waiting) found(answer.error, answer.address, 4);
  }
}

function lookupIPv4(
  name: string,
  found: (error: NodeJS.ErrnoException | null, address: string) => void,
): void {
  lookup(name, { family: 4 }, found);
}
