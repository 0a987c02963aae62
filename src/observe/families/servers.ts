// Metrics about server connections and the places of their cap. Promise: places and caps are read
// in the same instant, so saturation and headroom always agree with each other.

import type { Snapshot } from '../snapshot.ts';
import type { ServerState } from '../../server/server-states.ts';
import { clientsIn } from './clients.ts';
import { byLabel, counterBy, gauge, labelledGauge } from './family.ts';
import type { Family, Sample } from './family.ts';
import { ratio } from './ratio.ts';

export const SERVER_FAMILIES: readonly Family[] = [
  labelledGauge('server_connections', 'Server connections by lane and state.', ({ snapshot }) =>
    serverSamples(snapshot),
  ),
  gauge(
    'server_connections_limit',
    'Cap on server connections: limits.server_connections.',
    ({ snapshot }) => snapshot.limits.serverConnections,
  ),
  labelledGauge(
    'server_connections_share',
    'The cap on server connections divided by role: what is kept for producers, and the rest.',
    ({ snapshot }) => shares(snapshot),
  ),
  labelledGauge(
    'server_places_taken',
    'Places of the server connection cap that are taken, by the role that took them.',
    ({ snapshot }) => byLabel('role', snapshot.placesTaken),
  ),
  gauge(
    'server_connections_saturation_ratio',
    'Places taken divided by the cap on server connections; 1 is full.',
    ({ snapshot }) => ratio(placesTaken(snapshot), snapshot.limits.serverConnections),
  ),
  gauge(
    'server_connections_headroom',
    'Places of the server connection cap that are free; below 0 only with observe_only.',
    ({ snapshot }) => snapshot.limits.serverConnections - placesTaken(snapshot),
  ),
  gauge(
    'clients_per_server_connection',
    'Open client connections divided by open server connections; 1 means that nothing is shared.',
    ({ snapshot }) => clientsPerServer(snapshot),
  ),
  counterBy(
    'server_connections_ended_total',
    'Server connections that ended, by the one reason of each.',
    'reason',
    (counts) => counts.server.ends,
  ),
  counterBy(
    'server_dials_total',
    'Dials to Faktory by result.',
    'result',
    (counts) => counts.server.dials,
  ),
  counterBy(
    'server_dials_started_total',
    'Dials to Faktory by the reason for the dial.',
    'reason',
    (counts) => counts.server.dialReasons,
  ),
];

/** Server connections in any of the given states, whatever their lane. */
export function serversIn(
  snapshot: Pick<Snapshot, 'servers'>,
  states: readonly ServerState[],
): number {
  let sum = 0;
  for (const byState of Object.values(snapshot.servers)) {
    for (const state of states) sum += byState[state];
  }
  return sum;
}

function placesTaken(snapshot: Snapshot): number {
  return snapshot.placesTaken.producer + snapshot.placesTaken.worker;
}

function shares({ limits }: Snapshot): Sample[] {
  const worker = Math.max(0, limits.serverConnections - limits.producerReserve);
  return byLabel('role', { producer: limits.producerReserve, worker });
}

/** Null without an open server connection: there is no ratio then. */
function clientsPerServer(snapshot: Snapshot): number | null {
  const servers = serversIn(snapshot, ['open']);
  return servers === 0 ? null : clientsIn(snapshot, 'open') / servers;
}

function serverSamples(snapshot: Snapshot): Sample[] {
  return Object.entries(snapshot.servers).flatMap(([lane, byState]) =>
    Object.entries(byState).map(([state, value]) => ({ labels: { lane, state }, value })),
  );
}
