// Asks a cluster whether it would take the Kubernetes overlays: `kubectl apply` with a dry run at the
// server and strict validation, for each of them. Changes nothing in the cluster. Needs kubectl 1.27 or
// later, and the right to create what the overlays have.
//
// Usage: npm run --silent kubernetes:dry-run [-- KUBECTL-OPTIONS]

import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

const OVERLAYS = 'deploy/kubernetes/overlays';
const ASKED = ['apply', '--dry-run=server', '--validate=strict'];

/**
 * Asks with these options of kubectl's, such as `--context`. True if the cluster would take every
 * overlay of the checkout in `root`; kubectl itself says what it would do, or why not.
 */
export function dryRun(root: string, options: readonly string[]): boolean {
  const overlays = readdirSync(join(root, OVERLAYS)).toSorted();
  const refused = overlays.filter((name) => {
    const overlay = join(root, OVERLAYS, name);
    process.stdout.write(`${name}:\n`);
    const args = [...options, ...ASKED, '-k', overlay];
    const { status, error } = spawnSync('kubectl', args, {
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    if (error !== undefined) throw new Error(`Cannot start kubectl: ${error.message}`);
    return status !== 0;
  });
  if (refused.length > 0) process.stderr.write(`Not accepted: ${refused.join(', ')}\n`);
  return refused.length === 0;
}

if (import.meta.main) {
  const isAccepted = dryRun(join(import.meta.dirname, '..'), process.argv.slice(2));
  process.exitCode = isAccepted ? 0 : 1;
}
