// The job ledger: what clients were told, against what Redis holds in the end. A job that was
// acknowledged and is nowhere counts as lost.

import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';

/** One command that was answered well. */
export interface LedgerEntry {
  readonly jid: number;
  /** When the answer came, in Unix milliseconds. */
  readonly at: number;
}

export interface Ledger {
  readonly pushes: readonly LedgerEntry[];
  /** FETCHes that brought a job. */
  readonly fetches: readonly LedgerEntry[];
  readonly acks: readonly LedgerEntry[];
}

/** How often each jid is where. */
export interface Stored {
  readonly queued: ReadonlyMap<number, number>;
  readonly retries: ReadonlyMap<number, number>;
  readonly dead: ReadonlyMap<number, number>;
  /** Reserved: handed out, or on the way to a client that never read it. */
  readonly working: ReadonlyMap<number, number>;
}

const PAGE = 10_000;
const SETS = ['retries', 'dead', 'working'] as const;
/** Faktory's own deadlines are 5 s: what is going to be stored late has been stored by then. */
const LATE_MS = 6000;
const QUIET_MS = 1000;
const ASK_EVERY_MS = 200;

/** A jid as the generator and the benchmark write it. */
const JID = /"jid":"(\d{16})"/;

export function jidText(jid: number): string {
  return String(jid).padStart(16, '0');
}

/** Reads the file that load-go/ledger.go writes. */
export async function readLedger(file: string): Promise<Ledger> {
  const ledger = { P: [], F: [], A: [] } as Record<string, LedgerEntry[]>;
  for (const line of (await readFile(file, 'utf8')).split('\n')) {
    const [command = '', jid, atMicros] = line.split(' ');
    ledger[command]?.push({ jid: Number(jid), at: Number(atMicros) / 1000 });
  }
  const { P = [], F = [], A = [] } = ledger;
  return { pushes: P, fetches: F, acks: A };
}

/** Reads all jobs once no more of them come; `isComplete` tells when there is no need to wait. */
export async function readStored(
  redis: Redis,
  isComplete: (stored: Stored) => boolean,
): Promise<Stored> {
  const lateAt = performance.now() + LATE_MS;
  let count = -1;
  let quietSinceAt = performance.now();
  for (;;) {
    const now = performance.now();
    const countNow = await countQueued(redis);
    if (countNow !== count) quietSinceAt = now;
    count = countNow;
    if (now - quietSinceAt >= QUIET_MS) {
      const stored = await readOnce(redis);
      if (now >= lateAt || isComplete(stored)) return stored;
    }
    await sleep(ASK_EVERY_MS);
  }
}

async function countQueued(redis: Redis): Promise<number> {
  let count = 0;
  for (const queue of await redis.smembers('queues')) count += await redis.llen(queue);
  return count;
}

async function readOnce(redis: Redis): Promise<Stored> {
  const queued = new Map<number, number>();
  for (const queue of await redis.smembers('queues')) {
    for (let from = 0; ; from += PAGE) {
      const jobs = await redis.lrange(queue, from, from + PAGE - 1);
      countJids(jobs, queued);
      if (jobs.length < PAGE) break;
    }
  }
  const sets = { retries: new Map(), dead: new Map(), working: new Map() };
  for (const name of SETS) countJids(await redis.zrange(name, '0', '-1'), sets[name]);
  return { queued, ...sets };
}

function countJids(jobs: readonly string[], counts: Map<number, number>): void {
  for (const job of jobs) {
    const jid = JID.exec(job)?.[1];
    if (jid !== undefined) counts.set(Number(jid), (counts.get(Number(jid)) ?? 0) + 1);
  }
}

export function isStored(stored: Stored, jid: number): boolean {
  const { queued, retries, dead, working } = stored;
  return queued.has(jid) || retries.has(jid) || dead.has(jid) || working.has(jid);
}

/** The entries whose job is nowhere. */
export function lostOf(pushes: readonly LedgerEntry[], stored: Stored): readonly LedgerEntry[] {
  return pushes.filter(({ jid }) => !isStored(stored, jid));
}

/** How many jids are in queues more than once. */
export function twiceIn(counts: ReadonlyMap<number, number>): number {
  return [...counts.values()].filter((count) => count > 1).length;
}
