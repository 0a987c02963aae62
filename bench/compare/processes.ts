// What Linux says about processes: who started whom, and how much memory each holds.

import { readdirSync, readFileSync } from 'node:fs';

export interface Memory {
  readonly rssBytes: number;
  /** Shared pages counted by halves, thirds and so on: adds up over processes. */
  readonly pssBytes: number;
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
  let rssBytes = 0;
  let pssBytes = 0;
  for (const pid of pids) {
    const text = read(`/proc/${pid}/smaps_rollup`);
    rssBytes += kilobytes(text, 'Rss');
    pssBytes += kilobytes(text, 'Pss');
  }
  return { rssBytes, pssBytes };
}

function childrenOf(parent: number): readonly number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => parentIn(read(`/proc/${pid}/stat`)) === parent);
}

/** The program's name stands in brackets before, and may hold anything. */
function parentIn(stat: string): number {
  return Number(/^.*\) \S (\d+)/s.exec(stat)?.[1] ?? -1);
}

function kilobytes(text: string, name: string): number {
  const found = new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1];
  return Number(found ?? 0) * 1024;
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
