// Coverage-guided fuzzing of one target. Promise: what a seed and a number of inputs find, the same seed
// finds again; an input that fails is made small and kept.

import type { Coverage } from './coverage.ts';
import { Dice } from './dice.ts';
import { mutated } from './mutate.ts';
import { corpusOf, type Target } from './target.ts';

/** Taking the coverage costs more than most inputs: it is taken after so many. */
export const MEASURED_EACH = 8;
/** Kept in memory; the oldest are replaced at random. */
const POOL_MAX = 2000;

export interface GuidedRun {
  readonly inputs: number;
  /** Ways through functions that were taken. */
  readonly reached: number;
  /** Inputs that reached something new, the seeds included. */
  readonly kept: readonly Buffer[];
  readonly failure: { readonly input: Buffer; readonly error: unknown } | null;
}

export interface GuidedOptions {
  readonly isGuided: () => boolean;
  readonly isOver: () => boolean;
  /** 1: each input that reaches something new is found, and fewer are tried. */
  readonly measuredEach: number;
}

/**
 * Runs `target` until `isOver`; up to `isGuided` under coverage, which keeps V8 from optimising, and then
 * many more inputs without.
 */
export function fuzzGuided(
  target: Target,
  seed: number,
  coverage: Coverage,
  { isGuided, isOver, measuredEach }: GuidedOptions,
): GuidedRun {
  const dice = new Dice(seed);
  const pool = [...target.seeds.map((text) => Buffer.from(text)), ...corpusOf(target.name)];
  const kept: Buffer[] = [];
  let inputs = 0;
  for (const input of pool) {
    inputs += 1;
    const error = errorOf(target, input);
    if (error !== null)
      return { inputs, reached: coverage.size, kept, failure: { input, ...error } };
    coverage.isNew();
  }
  let guided = true;
  while (!isOver()) {
    if (guided && !isGuided()) {
      guided = false;
      coverage.stop();
    }
    const input = mutated(dice.pick(pool), pool, target.dictionary, dice);
    inputs += 1;
    const error = errorOf(target, input);
    if (error !== null) {
      return {
        inputs,
        reached: coverage.size,
        kept,
        failure: { input: smallest(target, input), ...error },
      };
    }
    if (!guided || inputs % measuredEach !== 0 || !coverage.isNew()) continue;
    // One of the last few has reached something new; the last is the likeliest to lead on.
    kept.push(input);
    if (pool.length < POOL_MAX) pool.push(input);
    else pool[dice.below(POOL_MAX)] = input;
  }
  if (guided) coverage.stop();
  return { inputs, reached: coverage.size, kept, failure: null };
}

/** What the target throws, or null. */
export function errorOf(target: Target, input: Buffer): { readonly error: unknown } | null {
  try {
    target.run(input);
    return null;
  } catch (error) {
    return { error };
  }
}

/** A smaller input that fails as well. */
function smallest(target: Target, input: Buffer): Buffer {
  let best = input;
  for (let size = best.length >> 1; size > 0; size >>= 1) {
    for (let at = 0; at + size <= best.length;) {
      const tried = Buffer.concat([best.subarray(0, at), best.subarray(at + size)]);
      if (errorOf(target, tried) === null) at += size;
      else best = tried;
    }
  }
  return best;
}
