// Waiting with a bound: a test says what it waits for, and hears that name when it does not come. The
// bounds are there for what never comes: time in which the machine lets the tests stand does not count.

import { steadyClock } from './steady-clock.ts';

export interface UntilOptions {
  /** What is awaited, as it shall read in the failure: "Waited 30000 ms for <what>". */
  readonly what: string;
  /** Bound in milliseconds of the process's own time. Default `HANGS_MS`. */
  readonly withinMs?: number;
}

/** What has not come after so many milliseconds does not come. */
export const HANGS_MS = 30_000;
/** The same for a program that has to start or to end. */
export const STARTS_MS = 120_000;
const immediateTurns = 20;
/** Looks become rarer, so that those of a long wait do not keep the machine busy. */
const pollMs = { first: 5, last: 50 };

/** Resolves with the first value of `condition` that is neither undefined nor false. */
export async function until<T>(
  condition: () => T | Promise<T>,
  options: UntilOptions,
): Promise<Exclude<T, undefined | false>> {
  const withinMs = options.withinMs ?? HANGS_MS;
  const deadlineAt = steadyClock.now() + withinMs;
  for (let turn = 0; ; turn += 1) {
    const value = await condition();
    if (isThere(value)) return value;
    if (steadyClock.now() >= deadlineAt) {
      throw new Error(`Waited ${withinMs} ms for ${options.what}`);
    }
    await nextTurn(turn);
  }
}

/** The promise's outcome, or a rejection that says what did not come. */
export function within<T>(promise: Promise<T>, withinMs: number, what: () => string): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = steadyClock.afterAll(withinMs, () =>
      reject(new Error(`Waited ${withinMs} ms for ${what()}`)),
    );
    promise.then(resolve, reject).finally(() => timer.cancel());
  });
}

function isThere<T>(value: T): value is Exclude<T, undefined | false> {
  return value !== undefined && value !== false;
}

function nextTurn(turn: number): Promise<void> {
  return new Promise((resolve) => {
    if (turn < immediateTurns) setImmediate(resolve);
    else setTimeout(resolve, Math.min(pollMs.last, pollMs.first + turn - immediateTurns));
  });
}
