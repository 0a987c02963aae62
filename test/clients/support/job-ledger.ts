// What became of each job, as the client programs print it. Promise: a job is known by its number, and
// every number is pushed at most once.

import { storedJobs } from '../../support/held-jobs.ts';

export interface Balance {
  /** Acknowledged and neither done nor held by Faktory. */
  readonly lost: readonly number[];
  /** Done more than once. */
  readonly twice: readonly number[];
  /** Done or held, and never pushed. */
  readonly strange: readonly number[];
  /** Acknowledged, not done, and in Faktory's keeping: a queue, a reservation, the retries. */
  readonly held: readonly number[];
}

export class JobLedger {
  /** Acknowledged to the program that pushed them. */
  readonly pushed = new Set<number>();
  /** Pushed with an error, by the number: the job may be there. */
  readonly unknown = new Map<number, string>();
  readonly #done = new Map<number, number>();
  #nextNumber = 0;

  get done(): number {
    return this.#done.size;
  }

  isDone(n: number): boolean {
    return this.#done.has(n);
  }

  /** Numbers that nobody else gets. */
  takeNumbers(count: number): number {
    const first = this.#nextNumber;
    this.#nextNumber += count;
    return first;
  }

  /** A line that a program printed. */
  read(line: string): void {
    const [word, number, ...rest] = line.split(' ');
    const n = Number(number);
    if (!Number.isInteger(n)) return;
    if (word === 'pushed') this.pushed.add(n);
    if (word === 'unknown') this.unknown.set(n, rest.join(' '));
    if (word === 'done') this.#done.set(n, (this.#done.get(n) ?? 0) + 1);
  }

  /** Against what Faktory's Redis holds now. */
  async balance(redisSocket: string): Promise<Balance> {
    const inRedis = await numbersIn(redisSocket);
    const isThere = (n: number): boolean => this.#done.has(n) || inRedis.has(n);
    return {
      lost: [...this.pushed].filter((n) => !isThere(n)),
      twice: [...this.#done].filter(([, times]) => times > 1).map(([n]) => n),
      strange: [...this.#done.keys(), ...inRedis].filter(
        (n) => !this.pushed.has(n) && !this.unknown.has(n),
      ),
      held: [...this.pushed].filter((n) => !this.#done.has(n) && inRedis.has(n)),
    };
  }
}

async function numbersIn(redisSocket: string): Promise<Set<number>> {
  // Not the bouncer's own write probe, which has no number.
  const numbers = (await storedJobs(redisSocket)).map(
    ({ text }) => /"args":\[(\d+)/.exec(text)?.[1],
  );
  return new Set(numbers.filter((number) => number !== undefined).map(Number));
}
