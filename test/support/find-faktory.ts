// Where the real Faktory is, and what a test does when it cannot be had:
// skip on a laptop, fail in CI. Starts and installs nothing.

import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Test } from 'tap';

export type FoundFaktory = { readonly binary: string } | { readonly missing: string };

/** The folder of the Go module that pins the Faktory tests run against. */
export const faktoryModule = join(import.meta.dirname, 'faktory');

/** Where provisioning builds it. */
export const builtFaktory = join(faktoryModule, 'bin', 'faktory');

/** Where the real server is, or why it cannot be had. */
export function findFaktory(): FoundFaktory {
  if (findProgram('redis-server') === undefined) {
    return { missing: 'Cannot start Faktory: found no redis-server on PATH' };
  }
  const chosen = process.env['FAKTORY_BIN'];
  if (chosen !== undefined && chosen !== '') {
    if (isExecutable(chosen)) return { binary: chosen };
    return { missing: `Cannot start Faktory: FAKTORY_BIN=${chosen} is not an executable file` };
  }
  if (isExecutable(builtFaktory)) return { binary: builtFaktory };
  return {
    missing: 'Cannot start Faktory: it is not built (npm run pretest), and FAKTORY_BIN is not set',
  };
}

/** The binary, or undefined after the test was skipped (failed, where CI=true). */
export function requireFaktory(t: Pick<Test, 'pass' | 'fail'>): string | undefined {
  const found = findFaktory();
  if ('binary' in found) return found.binary;
  skipOrFail(t, found.missing);
  return undefined;
}

/** Skips the test with the reason; where CI=true nothing may be missing: it fails. */
export function skipOrFail(t: Pick<Test, 'pass' | 'fail'>, missing: string): void {
  if (process.env['CI'] === 'true') t.fail(missing);
  else t.pass(missing, { skip: missing });
}

/** The program's path, as the shell would find it. */
export function findProgram(name: string): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
