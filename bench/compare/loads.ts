// The loads of the side-by-side benchmark: one table. Promise: pure; what a front cannot be given
// (Faktory 1.7 dies of it, or a process runs out of files) is cut here, and nowhere else.

export const FRONTS = ['direct', 'haproxy', 'nginx', 'session', 'pooled'] as const;

/** What stands between the clients and Faktory. */
export type FrontName = (typeof FRONTS)[number];

export type Load =
  /** Every client pushes the next job as soon as the last is answered. */
  | { readonly kind: 'push'; readonly clients: number; readonly payloadBytes: number }
  /** Few push, many FETCH and ACK; at most so many jobs are under way at once. */
  | {
      readonly kind: 'cycle';
      readonly clients: number;
      readonly consumers: number;
      readonly backlog: number;
    }
  /** One worker's clients FETCH and ACK what is queued already, until nothing is left. */
  | { readonly kind: 'drain'; readonly clients: number; readonly jobs: number }
  /** Everybody says HELLO and stays, 20 clients to a worker. */
  | { readonly kind: 'idle'; readonly clients: number }
  /** Everybody dials at once, 20 clients to a worker. */
  | { readonly kind: 'storm'; readonly clients: number };

const SMALL_JOB_BYTES = 16;

function pushing(clients: number, payloadBytes = SMALL_JOB_BYTES): Load {
  return { kind: 'push', clients, payloadBytes };
}

function cycling(consumers: number): Load {
  return { kind: 'cycle', clients: 20, consumers, backlog: 1000 };
}

function draining(clients: number): Load {
  return { kind: 'drain', clients, jobs: 10_000 };
}

export const LOADS = {
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
  'idle-10000': { kind: 'idle', clients: 10_000 },
  'storm-2000': { kind: 'storm', clients: 2000 },
} as const satisfies Record<string, Load>;

export type LoadName = keyof typeof LOADS;

export const LOAD_NAMES = Object.keys(LOADS) as readonly LoadName[];

export function loadOf(name: LoadName): Load {
  return LOADS[name];
}

/** More consumers than this, one connection each, and Faktory 1.7 loses jobs. */
const CONSUMERS_MAX = 800;
/** A front that opens one connection for each client needs two files for each; 20000 is usual. */
const IDLE_MAX = 9800;
/** What session mode admits as workers: limits.server_connections less limits.producer_reserve. */
export const SESSION_SERVER_CONNECTIONS = 5000;
const SESSION_IDLE_MAX = 4800;

/** The load as this front gets it; null where it would measure nothing. */
export function loadFor(name: LoadName, front: FrontName): Load | null {
  const load = loadOf(name);
  if (front === 'pooled') return load;
  switch (load.kind) {
    case 'push':
    case 'drain':
    case 'storm':
      return load;
    case 'cycle':
      return { ...load, consumers: Math.min(load.consumers, CONSUMERS_MAX) };
    case 'idle':
      if (front === 'direct') return null;
      return {
        ...load,
        clients: Math.min(load.clients, front === 'session' ? SESSION_IDLE_MAX : IDLE_MAX),
      };
  }
}

/** One line for people. */
export function describeLoad(load: Load): string {
  switch (load.kind) {
    case 'push':
      return load.clients === 1
        ? `1 client PUSHes as fast as it is answered, ${load.payloadBytes} B of argument`
        : `${load.clients} clients PUSH as fast as they are answered, ${load.payloadBytes} B of argument`;
    case 'cycle':
      return `PUSH by ${load.clients}, FETCH and ACK by ${load.consumers} consumers, at most ${load.backlog} jobs under way`;
    case 'drain':
      return `${load.clients === 1 ? '1 client' : `${load.clients} clients`} of one worker FETCH and ACK ${load.jobs} queued jobs, or as many as the time allows`;
    case 'idle':
      return `${load.clients} clients say HELLO, 20 to a worker, and stay idle`;
    case 'storm':
      return `${load.clients} clients dial at once, 20 to a worker: from the first connect to the last +OK`;
  }
}
