// Hashing without its cost, and without a thread. Promise: a hash is told when the test says so, and
// differs where password, salt or rounds differ.

import { Hasher } from '../../src/base/hasher.ts';

export class MemoryHasher extends Hasher {
  readonly #asked: { readonly text: string; readonly tell: () => void }[] = [];

  /** Texts whose hash has been asked for and not been told, first asked first. */
  get asked(): readonly string[] {
    return this.#asked.map(({ text }) => text);
  }

  override get waiting(): number {
    return this.#asked.length;
  }

  override iteratedSha256(text: string, rounds: number): Promise<string> {
    return new Promise((resolve) => {
      this.#asked.push({ text, tell: () => resolve(memoryHash(text, rounds)) });
    });
  }

  /** Tells the hash that has been asked for first; harmless where there is none. */
  tellNext(): void {
    this.#asked.shift()?.tell();
  }

  override async close(): Promise<void> {
    this.#asked.length = 0;
  }
}

/** What stands for `rounds` rounds of SHA-256 over `text`. */
export function memoryHash(text: string, rounds: number): string {
  return `${rounds}-rounds-of-${text}`;
}
