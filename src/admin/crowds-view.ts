// Clients by what they belong to: workers by wid, producers by address. Pure. Promise: each client
// that has sent HELLO is counted in one row; a row is a number of its clients, never a guess.

import type { ClientFacts } from '../client/client-facts.ts';
import type { ServerFacts } from '../server/server-facts.ts';
import { bounded, processOf } from './bounded.ts';
import { secondsSince, worstFirst } from './rows.ts';
import type { Producer, Worker } from './schemas.ts';

/** What is added up over the clients of one row. */
interface Crowd {
  readonly eldest: ClientFacts;
  connections: number;
  waiting: number;
  /** Since when the first of those that wait does; monotonic ms. */
  waitingSince: number;
  /** Clients with a command that is not answered, and those whose command is a FETCH. */
  outstanding: number;
  fetching: number;
  commands: number;
  bytesReceived: number;
}

export interface Crowds {
  readonly workers: readonly Worker[];
  readonly producers: readonly Producer[];
}

export interface CrowdFacts {
  readonly clients: Iterable<ClientFacts>;
  readonly servers: Iterable<ServerFacts>;
  readonly mode: 'session' | 'pooled';
}

/** All workers and producers at `now` (monotonic ms), worst first. */
export function crowdsOf({ clients, servers, mode }: CrowdFacts, now: number): Crowds {
  const byWid = new Map<string, Crowd>();
  const byAddress = new Map<string, Crowd>();
  for (const client of clients) {
    if (client.hello === null) continue;
    if (client.role === 'worker' && client.hello.wid !== '')
      gather(byWid, client.hello.wid, client);
    else gather(byAddress, client.address, client);
  }
  const atFaktory = fetchesByWid(servers);
  return {
    workers: worstFirst(
      [...byWid].map(([wid, crowd]) => workerRow(crowd, atFaktory.get(wid) ?? 0, { mode, now })),
      (row) => [row.waiting, row.fetches_waiting, row.connections],
      ({ wid }) => wid,
    ),
    producers: worstFirst(
      [...byAddress].map(([address, crowd]) => producerRow(address, crowd, now)),
      (row) => [row.waiting, row.connections, row.outstanding],
      ({ address }) => address,
    ),
  };
}

function gather(crowds: Map<string, Crowd>, key: string, client: ClientFacts): void {
  let crowd = crowds.get(key);
  if (crowd === undefined || client.acceptedAt < crowd.eldest.acceptedAt) {
    crowd = crowd === undefined ? emptyCrowd(client) : { ...crowd, eldest: client };
    crowds.set(key, crowd);
  }
  crowd.connections += 1;
  crowd.commands += client.commands;
  crowd.bytesReceived += client.bytesReceived;
  if (client.outstanding !== null) crowd.outstanding += 1;
  if (client.outstanding?.verb === 'FETCH') crowd.fetching += 1;
  if (client.state !== 'waiting') return;
  crowd.waiting += 1;
  crowd.waitingSince = Math.min(crowd.waitingSince, client.stateSince);
}

function emptyCrowd(eldest: ClientFacts): Crowd {
  return {
    eldest,
    connections: 0,
    waiting: 0,
    waitingSince: Infinity,
    outstanding: 0,
    fetching: 0,
    commands: 0,
    bytesReceived: 0,
  };
}

function fetchesByWid(servers: Iterable<ServerFacts>): ReadonlyMap<string, number> {
  const fetches = new Map<string, number>();
  for (const { head, wid } of servers) {
    if (head?.verb === 'FETCH') fetches.set(wid, (fetches.get(wid) ?? 0) + 1);
  }
  return fetches;
}

function workerRow(
  crowd: Crowd,
  inFlight: number,
  { mode, now }: { readonly mode: 'session' | 'pooled'; readonly now: number },
): Worker {
  const { eldest } = crowd;
  return {
    ...processOf(eldest.hello),
    address: bounded(eldest.address),
    connections: crowd.connections,
    waiting: crowd.waiting,
    oldest_wait_seconds: waitedSeconds(crowd, now),
    fetches_in_flight: inFlight,
    // In session mode a FETCH at Faktory is its client's alone, in pooled mode it is its set's.
    fetches_waiting: mode === 'session' ? Math.max(0, crowd.fetching - inFlight) : crowd.fetching,
    connected_seconds: secondsSince(eldest.acceptedAt, now),
    commands: crowd.commands,
  };
}

function producerRow(address: string, crowd: Crowd, now: number): Producer {
  return {
    address: bounded(address),
    connections: crowd.connections,
    waiting: crowd.waiting,
    oldest_wait_seconds: waitedSeconds(crowd, now),
    outstanding: crowd.outstanding,
    connected_seconds: secondsSince(crowd.eldest.acceptedAt, now),
    commands: crowd.commands,
    bytes_received: crowd.bytesReceived,
  };
}

function waitedSeconds({ waiting, waitingSince }: Crowd, now: number): number {
  return waiting === 0 ? 0 : secondsSince(waitingSince, now);
}
