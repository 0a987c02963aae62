// A real browser for the tests of the status page: Debian's Chromium, driven over its debugging pipe.

import { type Browser, chromium } from 'playwright-core';
import type { Test } from 'tap';
import { findProgram, skipOrFail } from './find-faktory.ts';

/** Playwright's own bounds are of wall time: on a busy machine a browser starts in 30 s. */
export const BROWSER_MS = 120_000;

/** Root, under which CI runs, has no sandbox; a container has a small /dev/shm, and no GPU. */
const ARGUMENTS = ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'];

/** The program, or undefined after the test was skipped (failed, where CI=true). */
export function requireChromium(t: Pick<Test, 'pass' | 'fail'>): string | undefined {
  const found = findProgram('chromium');
  if (found === undefined) skipOrFail(t, 'Cannot open the page: found no chromium on PATH');
  return found;
}

export function launchChromium(executablePath: string): Promise<Browser> {
  return chromium.launch({ executablePath, args: ARGUMENTS, timeout: BROWSER_MS });
}
