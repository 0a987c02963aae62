// Hot path. How many FETCHes of one worker may find jobs at once. Promise: pure over measured times,
// with `now` (monotonic ms) as a parameter; more than the base only where FETCHes take long and more of
// them bring more jobs: a server that waits for Redis does so for many at once, a busy one gets no faster.

/**
 * FETCHes take long where both they and other commands do: a FETCH that takes as long as this while
 * other commands are quick has waited for a job. With a fast server more of them at once did not help
 * (20 instead of 8 were 5 % slower in a drain by 20 clients).
 */
const LONG_FETCH_MS = 10;
const LONG_COMMAND_MS = 5;
/** A command that takes as long as this waits for Redis, whatever else: no CPU is so busy with one worker. */
const SURELY_REDIS_MS = 40;
/** FETCHes that one measurement rests on, at least; and one for each that may be at Faktory. */
const MEASURED_MIN = 3;
/** So many times as many FETCHes are tried. */
const GROWTH = 4;
/** Part of what more FETCHes could bring at best that they must bring. A full CPU brings nothing. */
const PAYS_FROM = 0.25;
/** With less than so many times as many FETCHes beside each other nothing can be told from their rate. */
const MORE_FROM = 1.5;
/** How long no more are tried after they did not pay, twice as long each time. */
const REST_MIN_MS = 1000;
const REST_MAX_MS = 60_000;
/** Without a job for so long, what was measured says nothing about now. */
const STALE_AFTER_MS = 2000;

/** What the pace depends on beside the measurement. */
export interface PaceFacts {
  /** FETCHes at once while the server is fast. */
  readonly base: number;
  /** FETCHes at once, whatever happens. */
  readonly limit: number;
  /** Clients that wait where jobs flow, beside those whose FETCH is at Faktory. */
  readonly wanted: number;
  /** How long Faktory takes for a quick command, in ms; 0 if that is not known, or a full CPU takes the time. */
  readonly commandMs: number;
}

/** What a measurement leads to; `most`: FETCHes at once from now on. */
export type PaceDecision =
  | { readonly kind: 'grow'; readonly reason: 'clients_wait'; readonly most: number }
  | { readonly kind: 'shrink'; readonly reason: 'fast' | 'does_not_pay'; readonly most: number }
  | { readonly kind: 'stay'; readonly reason: PaceRest; readonly most: number };
type PaceRest = 'fast' | 'enough' | 'resting' | 'at_limit';

/** What was measured with so many FETCHes at once. */
interface Measured {
  readonly most: number;
  /** Jobs per ms. */
  readonly rate: number;
  /** FETCHes beside each other on average (Little's law). */
  readonly beside: number;
}

/** Whether a server is slow that takes `commandMs` for a quick command. */
export function isSlow(commandMs: number): boolean {
  return commandMs >= LONG_COMMAND_MS;
}

export class FetchPace {
  /** More than the base, or 0. */
  #grown = 0;
  #startedAt = -Infinity;
  #lastAt = -Infinity;
  #jobs = 0;
  /** Sum of the times that the FETCHes took. */
  #tookMs = 0;
  /** Before the last growth, until it has been judged. */
  #before: Measured | null = null;
  #restMs = REST_MIN_MS;
  #restsUntil = -Infinity;

  /** FETCHes at once. */
  most(base: number): number {
    return Math.max(base, this.#grown);
  }

  /** A FETCH found a job in `tookMs`, with `flights` at Faktory; true once there is enough to decide. */
  found(tookMs: number, now: number, flights: number): boolean {
    if (now - this.#lastAt > Math.max(STALE_AFTER_MS, 2 * tookMs)) {
      this.#before = null;
      this.#restart(now);
    }
    this.#lastAt = now;
    // Sent before the last growth had its effect.
    if (now < this.#startedAt) return false;
    this.#jobs += 1;
    this.#tookMs += tookMs;
    if (this.#jobs < Math.max(MEASURED_MIN, flights)) return false;
    return (now - this.#startedAt) * this.#jobs >= this.#tookMs;
  }

  /** After found() said that there is enough. */
  decide(now: number, { base, limit, wanted, commandMs }: PaceFacts): PaceDecision {
    const most = this.most(base);
    const meanMs = this.#tookMs / this.#jobs;
    const elapsedMs = now - this.#startedAt;
    const measured = { most, rate: this.#jobs / elapsedMs, beside: this.#tookMs / elapsedMs };
    this.#restart(now);
    if (meanMs < LONG_FETCH_MS || !isSlow(commandMs)) {
      this.#before = null;
      return this.#set(0, base, 'fast');
    }
    const isSurelyRedis = commandMs >= SURELY_REDIS_MS;
    const before = isSurelyRedis ? this.#trust() : this.#judge(measured);
    if (before !== null) {
      this.#restsUntil = now + this.#restMs;
      this.#restMs = Math.min(2 * this.#restMs, REST_MAX_MS);
      this.#startedAt = now + meanMs;
      return this.#set(before.most, base, 'does_not_pay');
    }
    if (wanted <= 0) {
      this.#before = null;
      return { kind: 'stay', reason: 'enough', most };
    }
    if (most >= limit) return { kind: 'stay', reason: 'at_limit', most };
    if (now < this.#restsUntil && !isSurelyRedis) return { kind: 'stay', reason: 'resting', most };
    this.#before ??= measured;
    this.#startedAt = now + meanMs;
    this.#grown = Math.min((isSurelyRedis ? Infinity : GROWTH) * most, most + wanted, limit);
    return { kind: 'grow', reason: 'clients_wait', most: this.#grown };
  }

  /** While Redis is what takes so long, its pace says more about Redis than about the FETCHes added. */
  #trust(): null {
    this.#before = null;
    this.#restMs = REST_MIN_MS;
    return null;
  }

  /** What to go back to, if what was added since brought too few jobs; null also if that cannot be told yet. */
  #judge({ rate, beside }: Measured): Measured | null {
    const before = this.#before;
    if (before === null || beside < MORE_FROM * before.beside) return null;
    this.#before = null;
    const more = beside / before.beside;
    if (rate < before.rate * (1 + PAYS_FROM * (more - 1))) return before;
    this.#restMs = REST_MIN_MS;
    return null;
  }

  #set(grown: number, base: number, reason: 'fast' | 'does_not_pay'): PaceDecision {
    const before = this.most(base);
    this.#grown = grown;
    const most = this.most(base);
    return most < before || reason === 'does_not_pay'
      ? { kind: 'shrink', reason, most }
      : { kind: 'stay', reason, most };
  }

  #restart(now: number): void {
    this.#startedAt = now;
    this.#jobs = 0;
    this.#tookMs = 0;
  }
}
