// Go programs that are clients of Faktory, unchanged: a worker written with faktory_worker_go, and the
// load program from Faktory's own repository. Provisioning builds them.

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Test } from 'tap';
import { faktoryModule, isExecutable, skipOrFail } from './find-faktory.ts';

/** Each with the package that it is built from, as seen from the pinned module. */
export const GO_CLIENTS = {
  worker: './worker',
  lifecycle: './lifecycle',
  enterprise: './enterprise',
  load: 'github.com/contribsys/faktory/test/load',
} as const;

export type GoClient = keyof typeof GO_CLIENTS;

const END_WITHIN_MS = 90_000;

/** Where provisioning builds it. */
export function builtGoClient(name: GoClient): string {
  return join(faktoryModule, 'bin', name);
}

/** False after the test was skipped (failed, where CI=true), since they are not built. */
export function requireGoClients(t: Pick<Test, 'pass' | 'fail'>): boolean {
  const names = Object.keys(GO_CLIENTS) as GoClient[];
  const missing = names.find((name) => !isExecutable(builtGoClient(name)));
  if (missing === undefined) return true;
  skipOrFail(
    t,
    `Cannot run the Go client "${missing}": it is not built (npm run pretest, with Go)`,
  );
  return false;
}

/** Where it finds Faktory. */
export interface Place {
  readonly host: string;
  readonly port: number;
  /** Empty: none. */
  readonly password: string;
}

/** Runs it to its end; rejects with what it said where its exit code is not 0. */
export function runGoClient(
  name: GoClient,
  { host, port, password }: Place,
  args: readonly string[],
): Promise<{ readonly stdout: string; readonly stderr: string }> {
  return promisify(execFile)(builtGoClient(name), args, {
    env: { FAKTORY_URL: `tcp://${password === '' ? '' : `:${password}@`}${host}:${port}` },
    timeout: END_WITHIN_MS,
  });
}
