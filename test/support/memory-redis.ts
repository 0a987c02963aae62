// The Redis of a Faktory in memory: how long a command takes there, and whether it works. Promise: a
// delay server works on any number of commands at once, a CPU server on one after another.
// How Faktory meets a Redis that hangs or refuses writes is read from v1.7.0 storage/queue_redis.go
// and go-redis v9.0.2: an LPUSH whose answer is late, or an error, is answered +OK all the same.

import type { Clock } from '../../src/base/clock.ts';

export type ServiceTimes =
  /** A command is done as soon as its turn comes. */
  | { readonly kind: 'none' }
  /** Each takes about `meanMs`, whatever else is under way: Redis is slow. */
  | { readonly kind: 'delay'; readonly meanMs: number }
  /** Each takes about `meanMs` of a capacity that all share. */
  | { readonly kind: 'cpu'; readonly meanMs: number };

/** `hung`: nothing is answered. `refusing`: writes are answered with an error. */
export type RedisState = 'well' | 'hung' | 'refusing';

/** A refused write: the error that Faktory passes on where it looks at it. */
export const REFUSAL = 'MISCONF Redis is configured to save RDB snapshots, but cannot persist';
export const TIMEOUT = 'redis: connection pool timeout';

/** go-redis reads for 3 s; Faktory's context for one command is 5 s. */
const GIVES_UP_MS = { first: 3000, spread: 2000 };
/** Faktory's INFO waits for Redis for 1 s. */
const INFO_GIVES_UP_MS = 1000;
/**
 * While it hangs, dials fail at once when its listen backlog is full. The real one holds 511, and
 * limits.commands_in_flight is 500.
 */
export const BACKLOG = 3;
/** One in so many commands takes ten times as long. */
const SLOW_ONE_IN = 20;

export class MemoryRedis {
  readonly #clock: Clock;
  readonly #random: () => number;
  #times: ServiceTimes = { kind: 'none' };
  #state: RedisState = 'well';
  #cpuIsFreeAt = 0;
  /** Commands that go on when it answers again; those that Faktory has given up on too. */
  readonly #hanging = new Set<() => void>();
  /** Of them, those that need a connection of their own. */
  #dialled = 0;

  constructor(clock: Clock, random: () => number) {
    this.#clock = clock;
    this.#random = random;
  }

  get state(): RedisState {
    return this.#state;
  }

  /** Whether a command fails at once, since it cannot even be handed over. */
  get backlogIsFull(): boolean {
    return this.#state === 'hung' && this.#dialled >= BACKLOG;
  }

  take(times: ServiceTimes): void {
    this.#times = times;
  }

  enter(state: RedisState): void {
    if (state === this.#state) return;
    this.#state = state;
    if (state === 'hung') return;
    const hanging = [...this.#hanging];
    this.#hanging.clear();
    this.#dialled = 0;
    for (const goOn of hanging) goOn();
  }

  /** Calls `goOn` when it answers again. */
  whenItAnswers(goOn: () => void): void {
    this.#hanging.add(goOn);
  }

  /** The same for a command that waits until then, or until it is called off. */
  hang(verb: string, goOn: () => void): { cancel(): void } {
    // FETCHes have connections that are open already: there is always one.
    const dialled = verb === 'FETCH' ? 0 : 1;
    this.#hanging.add(goOn);
    this.#dialled += dialled;
    const cancel = (): void => {
      if (this.#hanging.delete(goOn)) this.#dialled -= dialled;
    };
    return { cancel };
  }

  /** How long the next command takes, waiting included; ms. */
  nextMs(): number {
    switch (this.#times.kind) {
      case 'none':
        return 0;
      case 'delay':
        return this.#drawn(this.#times.meanMs);
      case 'cpu': {
        const now = this.#clock.now();
        this.#cpuIsFreeAt = Math.max(now, this.#cpuIsFreeAt) + this.#drawn(this.#times.meanMs);
        return this.#cpuIsFreeAt - now;
      }
    }
  }

  /** When Faktory gives up on a command that hangs; ms. */
  givesUpMs(verb: string): number {
    if (verb === 'INFO') return INFO_GIVES_UP_MS;
    return GIVES_UP_MS.first + this.#random() * GIVES_UP_MS.spread;
  }

  #drawn(meanMs: number): number {
    const isSlow = this.#random() * SLOW_ONE_IN < 1;
    return this.#random() * 2 * meanMs * (isSlow ? 10 : 1);
  }
}
