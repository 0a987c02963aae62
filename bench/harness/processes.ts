// What Linux knows and does about processes: their children, their memory and connections, the cores
// that they run on, and their end when this process dies.

import { spawn, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

export interface Memory {
  readonly rssBytes: number;
  /** Shared pages counted by halves, thirds and so on: adds up over processes. */
  readonly pssBytes: number;
}

/** What Linux tells of a process in /proc/PID/stat. */
export interface ProcessStatus {
  /** One letter: T is stopped, Z has ended and was not collected. */
  readonly state: string;
  readonly parent: number;
  /** CPU time so far, of the user and of the system. */
  readonly cpuSeconds: number;
  /** In the kernel's ticks since the machine started: of two processes with one id it is not the same. */
  readonly startedAt: number;
}

/** Of /proc/PID/stat; Linux has no other for programs. */
const TICKS_PER_SECOND = 100;

/** Null for a process that is not there. */
export function statusOf(pid: number | undefined): ProcessStatus | null {
  const stat = read(`/proc/${pid}/stat`);
  // The program's name stands in brackets before, and may hold anything.
  const [state = '', parent, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (state === '') return null;
  return {
    state,
    parent: Number(parent),
    cpuSeconds: (Number(fields[9]) + Number(fields[10])) / TICKS_PER_SECOND,
    startedAt: Number(fields[17]),
  };
}

/** The process and all that descend from it. */
export function familyOf(pid: number): readonly number[] {
  const family = [pid];
  // The list grows while it is walked: grandchildren are found through the children.
  for (const member of family) family.push(...childrenOf(member));
  return family;
}

/** The memory of all these processes together; one that has ended counts as nothing. */
export function memoryOf(pids: readonly number[]): Memory {
  const rollups = pids.map((pid) => read(`/proc/${pid}/smaps_rollup`));
  const sum = (name: string): number =>
    rollups.reduce((bytes, text) => bytes + kilobytes(text, name) * 1024, 0);
  return { rssBytes: sum('Rss'), pssBytes: sum('Pss') };
}

/** The connections that a server on this local port has, as the kernel counts them. */
export function connectionsTo(port: number): number {
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  // The kernel shows some twice when others come and go meanwhile.
  const peers = new Set<string>();
  for (const line of read('/proc/net/tcp').split('\n')) {
    const [, address = '', peer = '', state] = line.trim().split(/\s+/);
    // Established, or closed by the client only: the server still has it.
    if (address.endsWith(local) && (state === '01' || state === '08')) peers.add(peer);
  }
  return peers.size;
}

/** Lets the process with all its threads, and what it starts from now on, run on these cores only. */
export function pin(pid: number, cores: string): void {
  const { status, stderr } = spawnSync('taskset', ['-acp', cores, String(pid)], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`Cannot pin a process to a core: ${stderr || 'no taskset'}`);
}

/** Ends the group that `pid` leads when this process dies, even by SIGKILL; call it to end the watch. */
export function watchGroup(pid: number): () => void {
  const script = 'read -r _; kill -s KILL -- "-$1" 2>/dev/null';
  const watchdog = spawn('/bin/sh', ['-c', script, 'watchdog', String(pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    // A group of its own: what is sent to ours must not end it first.
    detached: true,
  });
  watchdog.on('error', () => undefined);
  watchdog.stdin.on('error', () => undefined);
  watchdog.unref();
  return () => watchdog.kill('SIGKILL');
}

function childrenOf(parent: number): readonly number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => statusOf(pid)?.parent === parent);
}

function kilobytes(text: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0);
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
