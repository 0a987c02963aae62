// The loads of the side-by-side benchmark and the layouts that they run in: one table. Promise: pure;
// what a front cannot be given (Faktory 1.7 dies of it, or a process runs out of files) is cut here,
// and nowhere else.

import type { Front } from '../harness/fronts.ts';

/**
 * push: every client pushes the next job as soon as the last is answered. cycle: few push, many FETCH
 * and ACK. drain: one worker's clients FETCH and ACK what is queued already, until nothing is left.
 * idle: all clients send HELLO and stay. storm: all clients dial at once.
 */
export interface Load {
  readonly kind: 'push' | 'cycle' | 'drain' | 'idle' | 'storm';
  /** One sentence for people. */
  readonly about: string;
  readonly flags: LoadFlags;
}

/** Flags of the generator. */
export interface LoadFlags {
  readonly producers?: number;
  readonly payload?: number;
  readonly consumers?: number;
  readonly 'per-worker'?: number;
  /** Jobs under way at once. */
  readonly backlog?: number;
  /** Jobs that are queued already. */
  readonly jobs?: number;
  readonly handshakes?: number;
}

/** More consumers than this, one connection each, and Faktory 1.7 loses jobs. */
const CONSUMERS_MAX = 800;
/** A front that opens one connection for each client needs two files for each; 20000 is usual. */
const IDLE_MAX = 9800;
/** What session mode admits as workers: its server connections less those kept for producers. */
const SESSION_IDLE_MAX = 4800;
const SMALL_JOB_BYTES = 16;

function pushing(producers: number, payload = SMALL_JOB_BYTES): Load {
  const who = producers === 1 ? '1 client PUSHes' : `${producers} clients PUSH`;
  const about = `${who} as fast as possible, ${payload} B of argument.`;
  return { kind: 'push', about, flags: { producers, payload } };
}

function cycling(consumers: number): Load {
  const others = consumers > CONSUMERS_MAX ? ` (all fronts but pooled: ${CONSUMERS_MAX})` : '';
  const about = `PUSH by 20, FETCH and ACK by ${consumers} consumers${others}, at most 1000 jobs under way.`;
  return { kind: 'cycle', about, flags: { producers: 20, consumers, backlog: 1000 } };
}

function draining(consumers: number): Load {
  const who = consumers === 1 ? '1 client' : `${consumers} clients`;
  const about = `${who} of one worker FETCH and ACK 10000 queued jobs, or as many as the time allows.`;
  return { kind: 'drain', about, flags: { consumers, 'per-worker': consumers, jobs: 10_000 } };
}

const LOAD_TABLE = {
  'push-1': pushing(1),
  'push-20': pushing(20),
  'push-200': pushing(200),
  'push-2000': pushing(2000),
  'cycle-200': cycling(200),
  'cycle-4000': cycling(4000),
  'drain-1': draining(1),
  'drain-20': draining(20),
  'payload-200B': pushing(20, 200),
  'payload-10kB': pushing(20, 10_000),
  'payload-1MB': pushing(20, 1_000_000),
  'idle-10000': {
    kind: 'idle',
    about: '10000 clients send HELLO, 20 to a worker, and stay idle.',
    flags: { consumers: 10_000 },
  },
  'storm-2000': {
    kind: 'storm',
    about: '2000 clients dial at once, 20 to a worker: from the first connect to the last `+OK`.',
    flags: { consumers: 2000, handshakes: 2000 },
  },
} as const satisfies Readonly<Record<string, Load>>;

export type LoadName = keyof typeof LOAD_TABLE;

export const LOADS: Readonly<Record<LoadName, Load>> = LOAD_TABLE;

export const LOAD_NAMES = Object.keys(LOADS) as readonly LoadName[];

export const LAYOUTS = ['shared', 'split', 'slow-redis'] as const;

/** Where the processes run, and whether Redis has other work. */
export type LayoutName = (typeof LAYOUTS)[number];

/** What a table is called: by its load alone in the ordinary layout. */
export function groupName(load: LoadName, layout: LayoutName): string {
  return layout === 'shared' ? load : `${load}, ${layout}`;
}

/** Memory and storms are measured in the ordinary layout only. */
export function isMeasuredIn({ kind }: Load, layout: LayoutName): boolean {
  return layout === 'shared' || (kind !== 'idle' && kind !== 'storm');
}

/** The load as this front gets it; null where it would measure nothing. */
export function loadFor(load: Load, front: Front['kind']): Load | null {
  if (front === 'pooled' || (load.kind !== 'cycle' && load.kind !== 'idle')) return load;
  if (load.kind === 'idle' && front === 'direct') return null;
  const idleMax = front === 'session' ? SESSION_IDLE_MAX : IDLE_MAX;
  const consumersMax = load.kind === 'cycle' ? CONSUMERS_MAX : idleMax;
  const consumers = Math.min(load.flags.consumers ?? 0, consumersMax);
  return { ...load, flags: { ...load.flags, consumers } };
}

export function clientsOf({ flags: { producers = 0, consumers = 0 } }: Load): number {
  return producers + consumers;
}
