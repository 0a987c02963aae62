// Whether the process may open as many files as the limits allow connections. Promise: a bouncer
// that starts never meets EMFILE before its own caps. Where the system does not say (no /proc), it
// is not asked.

import { readFileSync } from 'node:fs';

import type { Config } from './config.ts';

/**
 * For the log, the listeners, Redis, the admin server's clients and Node itself, and for the 1000
 * refused clients that may still be on their way out (client/client-connection.ts).
 */
const FILES_BESIDE_CONNECTIONS = 1128;

/** What is wrong, or null when the limits fit into `filesMax` (null: not known). */
export function openFilesProblem(limits: Config['limits'], filesMax: number | null): string | null {
  const files = limits.clients + limits.serverConnections + FILES_BESIDE_CONNECTIONS;
  if (filesMax === null || files <= filesMax) return null;
  return (
    `Cannot hold ${files} open files (limits.clients ${limits.clients} + ` +
    `limits.server_connections ${limits.serverConnections} + ${FILES_BESIDE_CONNECTIONS}): this process may open ` +
    `${filesMax}. Raise its limit (ulimit -n ${files}, or LimitNOFILE=${files} in systemd), or lower limits.clients.`
  );
}

/** The process's own limit, which Node at its start raised to the hard one; null when not known. */
export function readOpenFilesMax(): number | null {
  try {
    return parseOpenFilesMax(readFileSync('/proc/self/limits', 'utf8'));
  } catch {
    return null;
  }
}

/** The soft limit on open files in the text of /proc/self/limits; null for none. */
export function parseOpenFilesMax(text: string): number | null {
  const digits = /^Max open files\s+(\d+)\s/m.exec(text)?.[1];
  return digits === undefined ? null : Number(digits);
}
