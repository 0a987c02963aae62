// Kustomize directories, rendered and checked by a Go program that provisioning builds: known fields
// only, and the Pod Security levels. No cluster is asked.

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { Test } from 'tap';
import { isExecutable, skipOrFail } from './find-faktory.ts';

/** The folder of its Go module. */
export const kubernetesModule = join(import.meta.dirname, 'kubernetes');

const built = join(kubernetesModule, 'bin', 'kubernetes');

export interface CheckedPod {
  readonly name: string;
  /** What the level forbids; empty: nothing. */
  readonly baseline: readonly string[];
  readonly restricted: readonly string[];
  /** The same for the bouncer's container by itself. */
  readonly bouncerRestricted: readonly string[];
}

export interface Rendering {
  readonly yaml: string;
  /** Unknown fields, wrong types, and kinds that are not checked. */
  readonly problems: readonly string[];
  readonly pods: readonly CheckedPod[];
}

/** False after the test was skipped (failed, where CI=true), since the program is not built. */
export function requireKubernetesCheck(t: Pick<Test, 'pass' | 'fail'>): boolean {
  if (isExecutable(built)) return true;
  skipOrFail(t, 'Cannot check Kubernetes manifests: not built (npm run pretest, with Go)');
  return false;
}

/** Renders each directory, by its path; throws with Kustomize's words where one cannot be rendered. */
export function rendered(directories: readonly string[]): ReadonlyMap<string, Rendering> {
  const output = execFileSync(built, directories, { encoding: 'utf8' });
  return new Map(Object.entries(JSON.parse(output) as Record<string, Rendering>));
}
