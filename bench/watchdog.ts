// Ends a process group when this process dies without a chance to, even by SIGKILL: the watchdog sees
// its standard input close.

import { spawn } from 'node:child_process';

const SCRIPT = 'read -r _; kill -s KILL -- "-$1" 2>/dev/null';

/** Watches over the group that `pid` leads; the answer ends the watch. */
export function watchGroup(pid: number): () => void {
  const watchdog = spawn('/bin/sh', ['-c', SCRIPT, 'watchdog', String(pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    // A group of its own: what is sent to ours must not end it first.
    detached: true,
  });
  watchdog.on('error', () => undefined);
  watchdog.stdin?.on('error', () => undefined);
  watchdog.unref();
  return () => watchdog.kill('SIGKILL');
}
