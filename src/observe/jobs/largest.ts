// The names that get a label of their own: the largest of them, by how often they are seen. Promise: never
// more than `max` names, whatever is seen, and not more than eight times that in memory. A name keeps its
// label until another one is seen twice as often.

/** The label of everything else. */
export const OTHER = 'other';

/** Names without a label that are counted, for each name with one. */
const CANDIDATES_EACH = 4;

export class Largest {
  readonly #max: number;
  readonly #left: (name: string) => void;
  /** How often each was seen lately. */
  readonly #named = new Map<string, number>();
  readonly #candidates = new Map<string, number>();

  /** `left`: a name has lost its label. */
  constructor(max: number, left: (name: string) => void) {
    this.#max = max;
    this.#left = left;
  }

  /** Counts `name`, and returns its label. */
  see(name: string): string {
    const count = this.#named.get(name);
    if (count !== undefined || this.#named.size < this.#max) {
      this.#named.set(name, (count ?? 0) + 1);
      return name;
    }
    this.#seeCandidate(name);
    return OTHER;
  }

  /** Periodic: a name that was seen twice as often as one with a label takes that one's place. */
  rank(): void {
    const named = [...this.#named].sort(([, one], [, two]) => one - two);
    const candidates = [...this.#candidates].sort(([, one], [, two]) => two - one);
    for (const [index, [name, count]] of candidates.entries()) {
      const smallest = named[index];
      if (smallest === undefined || count <= 2 * smallest[1]) break;
      this.#named.delete(smallest[0]);
      this.#left(smallest[0]);
      this.#named.set(name, count);
    }
    this.#candidates.clear();
    for (const [name, count] of this.#named) this.#named.set(name, count / 2);
  }

  /** Misra and Gries: what is frequent stays, however many rare names there are. */
  #seeCandidate(name: string): void {
    const candidates = this.#candidates;
    const count = candidates.get(name);
    if (count !== undefined || candidates.size < CANDIDATES_EACH * this.#max) {
      candidates.set(name, (count ?? 0) + 1);
      return;
    }
    for (const [other, times] of candidates) {
      if (times === 1) candidates.delete(other);
      else candidates.set(other, times - 1);
    }
  }
}
