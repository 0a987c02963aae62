// The bouncer's own challenge to its clients. Promise: a fresh salt for each connection, so that a
// hash that was overheard opens nothing; the comparison takes the same time wherever texts differ.

import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { Hasher } from '../base/hasher.ts';
import type { Live } from '../base/live.ts';
import type { Challenge } from '../protocol/hi.ts';
import type { Hello } from '../protocol/hello.ts';

/**
 * Rounds that clients are asked for. Fewer than Faktory's 4000 to 8095, since each connection of a
 * storm costs one check here; what the rounds protect, a password overheard as a hash, travels in
 * the same clear text as the jobs (docs/security.md).
 */
const ROUNDS = 1000;
const SALT_BYTES = 8;

export class PasswordCheck {
  readonly #settings: Live<{ readonly password: string }>;
  readonly #hasher: Hasher;

  constructor(settings: Live<{ readonly password: string }>, hasher: Hasher) {
    this.#settings = settings;
    this.#hasher = hasher;
  }

  /** The challenge for one connection; null where no password is set. */
  challenge(): Challenge | null {
    if (this.#settings.current.password === '') return null;
    return { salt: randomBytes(SALT_BYTES).toString('hex'), rounds: ROUNDS };
  }

  /** Whether `hello` answers `challenge`; a client with `v` below 2 does one round (Faktory v1.7.0). */
  async answers(hello: Hello, challenge: Challenge): Promise<boolean> {
    const rounds = hello.version < 2 ? 1 : challenge.rounds;
    const expected = await this.#hasher.iteratedSha256(
      this.#settings.current.password + challenge.salt,
      rounds,
    );
    const given = Buffer.from(hello.passwordHash);
    const wanted = Buffer.from(expected);
    return given.length === wanted.length && timingSafeEqual(given, wanted);
  }
}
