// The bouncer's own challenge to its clients. Promise: a fresh salt for each connection, so that a
// hash that was overheard opens nothing; the comparison takes the same time wherever texts differ; the
// hashing thread takes the addresses in turns, so that a storm from one of them holds up no other, and
// hashes nothing for clients that have left.

import { randomBytes, timingSafeEqual } from 'node:crypto';
import { FairLine, type FairSeat } from '../base/fair-line.ts';
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
/** Checks that the hashing thread has at a time: it is never idle, and a dial waits for few of them. */
const IN_THREAD_MAX = 2;

export interface Passwords {
  /** Empty: clients need none. */
  readonly password: string;
  /** Accepted as well, while clients change over; empty: none. */
  readonly previousPassword: string;
}

/** Which password a client knows. */
export type PasswordVerdict = 'current' | 'previous' | 'wrong';

export interface AskedCheck {
  readonly address: string;
  readonly hello: Hello;
  readonly challenge: Challenge;
  judged(verdict: PasswordVerdict): void;
  /** The hashing thread has failed. */
  failed(error: unknown): void;
}

export class PasswordCheck {
  readonly #passwords: Live<Passwords>;
  readonly #hasher: Hasher;
  readonly #waiting = new FairLine<AskedCheck>();
  #inThread = 0;

  constructor(passwords: Live<Passwords>, hasher: Hasher) {
    this.#passwords = passwords;
    this.#hasher = hasher;
  }

  /** The challenge for one connection; null if no password is set. */
  challenge(): Challenge | null {
    if (this.#passwords.current.password === '') return null;
    return { salt: randomBytes(SALT_BYTES).toString('hex'), rounds: ROUNDS };
  }

  /** Judges `asked` when it is its turn. The seat is left when the client does not wait any more. */
  ask(asked: AskedCheck): FairSeat {
    const seat = this.#waiting.join(asked.address, asked);
    this.#goOn();
    return seat;
  }

  #goOn(): void {
    while (this.#inThread < IN_THREAD_MAX) {
      const asked = this.#waiting.shift(() => true);
      if (asked === undefined) return;
      this.#inThread += 1;
      const free = (): void => {
        this.#inThread -= 1;
        this.#goOn();
      };
      this.#verdict(asked)
        .then((verdict) => asked.judged(verdict))
        .catch((error: unknown) => asked.failed(error))
        .finally(free)
        // Nothing is left to be told.
        .catch(() => {});
    }
  }

  async #verdict({ hello, challenge }: AskedCheck): Promise<PasswordVerdict> {
    const { password, previousPassword } = this.#passwords.current;
    if (await this.#answers(hello, challenge, password)) return 'current';
    if (previousPassword === '') return 'wrong';
    return (await this.#answers(hello, challenge, previousPassword)) ? 'previous' : 'wrong';
  }

  /** Whether `hello` answers `challenge`; a client with `v` below 2 does one round (Faktory v1.7.0). */
  async #answers(hello: Hello, challenge: Challenge, password: string): Promise<boolean> {
    const rounds = hello.version < 2 ? 1 : challenge.rounds;
    const expected = await this.#hasher.iteratedSha256(password + challenge.salt, rounds);
    const given = Buffer.from(hello.passwordHash);
    const wanted = Buffer.from(expected);
    return given.length === wanted.length && timingSafeEqual(given, wanted);
  }
}
