// Metrics about client connections: how many exist, were admitted, waited or were refused, and how each
// ended. Promise: no label holds what a client says about itself.

import type { ClientState } from '../../client/client-states.ts';
import type { Snapshot } from '../snapshot.ts';
import { counter, counterBy, gauge, histogramBy, labelledGauge, byLabel } from './family.ts';
import type { Family, Sample } from './family.ts';
import { ratio } from './ratio.ts';

export const CLIENT_FAMILIES: readonly Family[] = [
  labelledGauge(
    'client_connections',
    'Client connections by role (unknown before HELLO) and state.',
    ({ snapshot }) => clientSamples(snapshot),
  ),
  gauge(
    'client_connections_limit',
    'Cap on client connections: limits.clients.',
    ({ snapshot }) => snapshot.limits.clients,
  ),
  gauge(
    'client_connections_saturation_ratio',
    'Client connections, without refused ones, divided by their cap; 1 is full.',
    ({ snapshot }) => ratio(clientsIn(snapshot), snapshot.limits.clients),
  ),
  gauge(
    'client_connections_unused',
    'Client connections that no worker uses and that have sent nothing for a minute or more.',
    ({ snapshot }) => snapshot.unusedClients,
  ),
  gauge(
    'handshakes_limit',
    'Cap on client connections in state handshake or authenticating: limits.handshakes.',
    ({ snapshot }) => snapshot.limits.handshakes,
  ),
  gauge(
    'workers',
    'Workers (wids) with at least one client connection that is admitted or waits.',
    ({ snapshot }) => snapshot.workers,
  ),
  counter(
    'client_connections_accepted_total',
    'Client connections that the listener accepted.',
    ({ counts }) => counts.client.accepted.total,
  ),
  counterBy(
    'client_connections_ended_total',
    'Client connections that ended, by the one reason of each.',
    'reason',
    (counts) => counts.client.ends,
  ),
  counter(
    'previous_password_logins_total',
    'Logins with the previous password, of listen.previous_password_file.',
    ({ counts }) => counts.client.previousPasswords.total,
  ),
  counterBy(
    'admissions_total',
    'Decided admissions by outcome.',
    'outcome',
    (counts) => counts.client.admissions,
  ),
  histogramBy(
    'admission_wait_seconds',
    'Time from asking for admission to its outcome.',
    'outcome',
    (counts) => counts.client.waits,
  ),
  counterBy(
    'refusals_total',
    'Refused client connections by the limit that refused them.',
    'reason',
    (counts) => counts.client.refusals,
  ),
  counterBy(
    'would_have_refused_total',
    'With observe_only: client connections that the limit would have refused or made to wait.',
    'reason',
    (counts) => counts.client.wouldHaveRefused,
  ),
  labelledGauge(
    'waiting_line_length',
    'Client connections in the waiting line, by role.',
    ({ snapshot }) => byLabel('role', snapshot.waitingLine.length),
  ),
  gauge(
    'waiting_line_limit',
    'Cap on the waiting line: waiting_line.size.',
    ({ snapshot }) => snapshot.limits.waitingLine,
  ),
  gauge(
    'waiting_line_oldest_wait_seconds',
    'How long the client connection that has waited longest has waited; 0 if no client waits.',
    ({ snapshot }) => snapshot.waitingLine.oldestWaitSeconds,
  ),
  counterBy(
    'guard_hits_total',
    'Commands that a rule of the guard blocked.',
    'rule',
    (counts) => counts.client.guardHits,
  ),
  counterBy(
    'guard_logged_total',
    'Commands that broke a rule of the guard that is in log, and passed.',
    'rule',
    (counts) => counts.client.guardLogged,
  ),
];

/** Client connections in one state, whatever their role; in all states when none is named. */
export function clientsIn(snapshot: Snapshot, state?: ClientState): number {
  let sum = 0;
  for (const byState of Object.values(snapshot.clients)) {
    if (state !== undefined) sum += byState[state];
    else for (const count of Object.values(byState)) sum += count;
    if (state === undefined) sum -= byState.refusing + byState.refused;
  }
  return sum;
}

function clientSamples(snapshot: Snapshot): Sample[] {
  return Object.entries(snapshot.clients).flatMap(([role, byState]) =>
    Object.entries(byState).map(([state, value]) => ({ labels: { role, state }, value })),
  );
}
