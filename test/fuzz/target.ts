// What can be fuzzed. Promise: a target is a pure function of its input that throws where the project's
// code is wrong; its seeds are inputs that lead somewhere.

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Target {
  readonly name: string;
  /** Inputs to begin with. */
  readonly seeds: readonly string[];
  /** Pieces that mutation puts in. */
  readonly dictionary: readonly string[];
  /** Throws where something is wrong. */
  readonly run: (input: Buffer) => void;
}

/** Inputs that once failed, or that reach what the seeds do not. */
const CORPUS = join(import.meta.dirname, 'corpus');

export function corpusPath(target: string, input: Buffer): string {
  const name = createHash('sha256').update(input).digest('hex').slice(0, 16);
  return join(CORPUS, target, name);
}

/** The kept inputs of a target. */
export function corpusOf(target: string): readonly Buffer[] {
  const folder = join(CORPUS, target);
  try {
    return readdirSync(folder)
      .sort()
      .map((name) => readFileSync(join(folder, name)));
  } catch {
    return [];
  }
}
