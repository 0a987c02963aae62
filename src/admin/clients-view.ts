// Client connections as the admin API lists them. Pure.

import type { ClientFacts } from '../client/client-facts.ts';
import { bounded, processOf } from './bounded.ts';
import { secondsSince, worstFirst } from './rows.ts';
import type { Client } from './schemas.ts';

/** The row of one client at `now` (monotonic ms). */
export function clientRow(facts: ClientFacts, now: number): Client {
  const { outstanding } = facts;
  return {
    id: facts.id,
    address: bounded(facts.address),
    role: facts.role,
    state: facts.state,
    state_seconds: secondsSince(facts.stateSince, now),
    connected_seconds: secondsSince(facts.acceptedAt, now),
    ...processOf(facts.hello),
    commands: facts.commands,
    outstanding:
      outstanding === null
        ? null
        : {
            verb: outstanding.verb,
            count: outstanding.count,
            seconds: secondsSince(outstanding.since, now),
          },
    bytes_received: facts.bytesReceived,
    bytes_sent: facts.bytesSent,
  };
}

/** Those that have waited longest for admission, then for a reply, then the rest by their age. */
export function worstClients(rows: readonly Client[]): readonly Client[] {
  return worstFirst(
    rows,
    (row) => [
      isWaiting(row) ? row.state_seconds : 0,
      row.outstanding?.seconds ?? 0,
      row.connected_seconds,
    ],
    ({ id }) => String(id).padStart(12, '0'),
  );
}

function isWaiting({ state }: Client): boolean {
  return state === 'waiting' || state === 'opening';
}
