// Facts about a bouncer of which there is nothing to say, for the tests of what there is.

import type { Client } from '../../../src/admin/schemas.ts';
import type { Crowd, Facts } from '../../../src/advise/facts.ts';

/** Everything fits; `changes` are put in its place. */
export function facts(changes: Partial<Facts> = {}): Facts {
  return {
    source: 'a bouncer',
    seconds: 100_000,
    mode: 'session',
    observeOnly: false,
    clients: { peak: 500, limit: 10_000 },
    serverConnections: { peak: 500, limit: 900 },
    atFaktory: 900,
    fetches: { peak: 400, limit: 800 },
    waitingLine: { peak: 0, limit: 1000 },
    producerReserve: 90,
    producerPlacesPeak: 40,
    fetchesWaiting: 0,
    commandsWaiting: 0,
    commandsInFlight: 500,
    unusedClients: 0,
    refused: {},
    wouldHaveRefused: {},
    version: '1.7.0',
    past: 0,
    redisMaxClients: 10_000,
    isShared: false,
    crowds: [],
    ...changes,
  };
}

/** The connections of a worker of which most do nothing. */
export function crowd(changes: Partial<Crowd> = {}): Crowd {
  return {
    kind: 'worker',
    name: 'w1',
    whereabouts: '10.0.0.1, host-1, pid 7',
    connections: 30,
    fetching: 2,
    idle: 25,
    idleCommands: 25,
    oldestIdleSeconds: 3600,
    grown: null,
    ...changes,
  };
}

/** A client connection of a worker, an hour old. */
export function client(id: number, changes: Partial<Client> = {}): Client {
  return {
    id,
    address: '10.0.0.1',
    role: 'worker',
    state: 'open',
    state_seconds: 3600,
    connected_seconds: 3600,
    wid: 'w1',
    host: 'host-1',
    pid: 7,
    labels: ['go'],
    commands: 1,
    outstanding: null,
    bytes_received: 0,
    bytes_sent: 0,
    ...changes,
  };
}
