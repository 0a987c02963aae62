// Chance, from one seed. Promise: the same seed gives the same throws.

import { seededRandom } from '../../session/house.ts';

export class Dice {
  readonly random: () => number;

  constructor(seed: number) {
    this.random = seededRandom(seed);
  }

  chance(probability: number): boolean {
    return this.random() < probability;
  }

  /** 0 to `most` - 1. */
  upTo(most: number): number {
    return Math.floor(this.random() * most);
  }

  pick<T>(from: readonly T[]): T | undefined {
    return from[this.upTo(from.length)];
  }

  /** One of `first`, or `second` with the given probability. */
  either<T>(probability: number, second: T, first: T): T {
    return this.chance(probability) ? second : first;
  }
}
