// A snapshot in which everything is there, for the tests of what reads one.

import { CLIENT_STATES } from '../../src/client/client-states.ts';
import { LANES, SERVER_STATES } from '../../src/server/server-states.ts';
import type { Snapshot } from '../../src/observe/snapshot.ts';

/** A bouncer that is busy in every way at once; `changes` are put in its place. */
export function fullSnapshot(changes: Partial<Snapshot> = {}): Snapshot {
  return {
    draining: false,
    paused: false,
    processes: { listening: 2, silent: 0, restarts: 1 },
    mode: 'pooled',
    clients: each(['producer', 'worker', 'unknown'], () => each(CLIENT_STATES, () => 2)),
    unusedClients: 3,
    servers: each(LANES, () => each(SERVER_STATES, () => 1)),
    placesTaken: { producer: 30, worker: 645 },
    limits: {
      clients: 20000,
      handshakes: 256,
      serverConnections: 900,
      producerReserve: 90,
      fetchesInFlight: 800,
      commandsInFlight: 500,
      waitingLine: 1000,
      bufferedBytes: 67108864,
    },
    peaks: { clients: 40, serverConnections: 700, fetchesInFlight: 650, waitingLine: 20 },
    waitingLine: { length: { producer: 3, worker: 4 }, oldestWaitSeconds: 1.5 },
    fetches: { inFlight: 600, waiting: 5 },
    commandLane: { outstanding: 7, waiting: 8, commandMs: 12 },
    adaptation: { fetchesInFlight: 640, commandsInFlight: 500, shortMs: 14, longMs: 9 },
    writes: { state: 'sound', held: 0 },
    workers: 9,
    strayJobs: 1,
    bufferedBytes: 4096,
    faktory: {
      up: true,
      info: {
        version: '1.7.0',
        uptimeSeconds: 3600,
        connections: 20,
        commands: 1000,
        queues: 3,
        queueNames: ['a', 'b', 'c'],
        enqueued: 42,
        processed: 500,
        failures: 6,
        tasks: { scheduled: 7, retries: 8, dead: 9 },
        queueSizes: new Map([['default', 42]]),
      },
    },
    redis: {
      connectedClients: 10,
      blockedClients: 5,
      maxClients: 10000,
      usedMemoryBytes: 1048576,
      maxMemoryBytes: 0,
      rejectedConnections: 0,
    },
    sharedLimit: {
      lender: 'redis',
      state: 'leased',
      leased: 300,
      usable: 300,
      house: { holders: 3, leased: 800, used: 600, outside: 50, free: 47 },
      elsewhere: 5,
      trouble: null,
    },
    certificates: [{ option: 'listen.tls.certificate', expiresAtMs: 1_900_000_000_000 }],
    lastFailure: null,
    ...changes,
  };
}

function each<Key extends string, Value>(
  keys: readonly Key[],
  value: () => Value,
): Record<Key, Value> {
  return Object.fromEntries(keys.map((key) => [key, value()])) as Record<Key, Value>;
}
