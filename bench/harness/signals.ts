// Signals to processes by their ids. Promise: one goes to the process or the group that is meant, or the call throws.
// To the system 0 means the sender's own group and -1 every process: an id that was not found must be neither.

/** Throws where there is no such process. */
export function signal(pid: number | undefined, name: NodeJS.Signals): void {
  process.kill(real(pid, name), name);
}

/** To the process and all of the group that it leads; nothing where they have ended. */
export function signalGroup(leader: number | undefined, name: NodeJS.Signals): void {
  const group = -real(leader, name);
  try {
    process.kill(group, name);
  } catch {
    // It was gone already.
  }
}

/** SIGSTOP, and SIGCONT when `meanwhile` is over, whatever became of it. */
export async function whileStopped<Result>(
  pid: number | undefined,
  meanwhile: () => Promise<Result>,
): Promise<Result> {
  signal(pid, 'SIGSTOP');
  try {
    return await meanwhile();
  } finally {
    signal(pid, 'SIGCONT');
  }
}

function real(pid: number | undefined, name: string): number {
  if (pid !== undefined && Number.isSafeInteger(pid) && pid > 1) return pid;
  throw new Error(`Cannot send ${name}: ${pid} is no process's id`);
}
