// Asks the npm registry for known vulnerabilities of the locked packages. Promise: exit code 1 for a
// finding of at least moderate severity; a registry that cannot be asked is said loudly, and passes,
// since it says nothing about the packages.
//
// Usage: npm run --silent audit

import { spawnSync } from 'node:child_process';

export type AuditOutcome =
  | { readonly kind: 'clean' }
  | { readonly kind: 'found'; readonly lines: readonly string[] }
  | { readonly kind: 'not_asked'; readonly reason: string };

interface Report {
  readonly vulnerabilities?: Readonly<Record<string, Finding>>;
  readonly message?: string;
  readonly error?: { readonly summary?: string };
}

interface Finding {
  readonly severity: string;
  readonly range: string;
  readonly via: readonly (string | { readonly title?: string; readonly url?: string })[];
}

/** A registry that has not answered by then cannot be asked. */
const ASK_MS = 120_000;
const BELOW_MODERATE: ReadonlySet<string> = new Set(['info', 'low']);

/** What `npm audit --json` has said. */
export function readAudit(output: string): AuditOutcome {
  const report = parsed(output);
  if (report?.vulnerabilities === undefined) {
    const reason = report?.message ?? report?.error?.summary ?? 'npm audit gave no report';
    return { kind: 'not_asked', reason: reason.slice(0, 200) };
  }
  const lines = Object.entries(report.vulnerabilities)
    .filter(([, { severity }]) => !BELOW_MODERATE.has(severity))
    .map(([name, { severity, range, via }]) => {
      const titles = via.map((one) =>
        typeof one === 'string' ? one : (one.title ?? one.url ?? ''),
      );
      return `${name} ${range} (${severity}): ${titles.join('; ')}`;
    });
  return lines.length === 0 ? { kind: 'clean' } : { kind: 'found', lines };
}

function parsed(output: string): Report | null {
  try {
    return JSON.parse(output) as Report;
  } catch {
    return null;
  }
}

if (import.meta.main) {
  const { stdout } = spawnSync('npm', ['audit', '--json'], { encoding: 'utf8', timeout: ASK_MS });
  const outcome = readAudit(stdout);
  switch (outcome.kind) {
    case 'clean':
      process.stdout.write('No known vulnerability of moderate severity or above.\n');
      break;
    case 'found':
      process.stderr.write(`Vulnerable packages:\n${outcome.lines.join('\n')}\n`);
      process.exitCode = 1;
      break;
    case 'not_asked':
      process.stdout.write(
        `SKIPPED: the registry cannot be asked for advisories: ${outcome.reason}\n`,
      );
  }
}
