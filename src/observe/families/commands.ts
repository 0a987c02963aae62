// Metrics about commands, FETCHes, stray jobs and bytes. Promise: a verb is one of the closed set;
// everything else that a client sends counts as OTHER.

import type { Histogram } from '../../base/counters.ts';
import {
  byLabel,
  counter,
  counterBy,
  gauge,
  histogramBy,
  labelledGauge,
  observations,
} from './family.ts';
import { METRIC_PREFIX } from './family.ts';
import type { Family, Sample, Source } from './family.ts';
import { ratio } from './ratio.ts';

const commandsTotal: Family = {
  name: `${METRIC_PREFIX}commands_total`,
  help: 'Commands answered to clients, by verb.',
  type: 'counter',
  read: ({ counts }) =>
    Object.entries<Histogram>(counts.client.commands.values).flatMap(([verb, histogram]) =>
      byLabel('verb', { [verb]: observations(histogram) }),
    ),
};

const bytesTotal: Family = {
  name: `${METRIC_PREFIX}bytes_total`,
  help: 'Bytes moved, by side and direction.',
  type: 'counter',
  read: ({ counts: { client, server } }) =>
    byLabel('direction', {
      client_received: client.bytes.values.received,
      client_sent: client.bytes.values.sent,
      server_received: server.bytes.values.received,
      server_sent: server.bytes.values.sent,
    }),
};

export const COMMAND_FAMILIES: readonly Family[] = [
  commandsTotal,
  histogramBy(
    'command_duration_seconds',
    'Time from reading a command to its reply, by verb; FETCH waits up to 2 s by design.',
    'verb',
    (counts) => counts.client.commands,
  ),
  histogramBy(
    'lane_wait_seconds',
    'Time in the bouncer before a command was sent, by lane; pooled mode only.',
    'lane',
    (counts) => counts.lanes.waits,
  ),
  gauge(
    'command_lane_outstanding',
    'Commands of the command lane that are sent and not answered yet; pooled mode only.',
    ({ snapshot }) => snapshot.commandLane.outstanding,
  ),
  gauge(
    'command_lane_waiting',
    'Commands of the command lane that wait in the bouncer; pooled mode only.',
    ({ snapshot }) => snapshot.commandLane.waiting,
  ),
  gauge(
    'command_lane_command_seconds',
    'How long Faktory works on a quick command, as measured; absent while not known; pooled mode only.',
    ({ snapshot: { commandLane } }) =>
      commandLane.commandMs === null ? null : commandLane.commandMs / 1000,
  ),
  gauge(
    'fetches_in_flight',
    'FETCHes that Faktory works on: each holds a connection of its Redis pool.',
    ({ snapshot }) => snapshot.fetches.inFlight,
  ),
  gauge(
    'fetches_in_flight_limit',
    'Cap on FETCHes in flight: limits.fetches_in_flight, or less in a pause or by limits.adaptive.',
    ({ snapshot }) => snapshot.limits.fetchesInFlight,
  ),
  gauge(
    'fetches_in_flight_saturation_ratio',
    'FETCHes in flight divided by their cap; 1 is full.',
    ({ snapshot }) => ratio(snapshot.fetches.inFlight, snapshot.limits.fetchesInFlight),
  ),
  gauge(
    'commands_in_flight_limit',
    'Cap on commands other than FETCH in flight: limits.commands_in_flight, or less.',
    ({ snapshot }) => snapshot.limits.commandsInFlight,
  ),
  labelledGauge(
    'adaptive_limit',
    'What limits.adaptive makes of a limit; absent while it is off.',
    ({ snapshot: { adaptation } }) =>
      adaptation === null
        ? []
        : byLabel('limit', {
            fetches_in_flight: adaptation.fetchesInFlight,
            commands_in_flight: adaptation.commandsInFlight,
          }),
  ),
  labelledGauge(
    'adaptive_round_trip_seconds',
    'How long Faktory takes for a PUSH, ACK or FAIL: now (short), and usually (long); limits.adaptive only.',
    roundTrips,
  ),
  counterBy(
    'adaptive_decisions_total',
    'Decisions of limits.adaptive, by kind.',
    'decision',
    (counts) => counts.lanes.adaptiveDecisions,
  ),
  gauge(
    'fetches_waiting',
    'FETCHes that wait in the bouncer for their turn.',
    ({ snapshot }) => snapshot.fetches.waiting,
  ),
  counter(
    'fetches_answered_nil_total',
    'FETCHes that the bouncer answered with nil; in pooled mode every nil.',
    ({ counts }) => counts.lanes.fetchesAnsweredNil.total,
  ),
  counter(
    'bulk_pushes_total',
    "PUSHBs that were made of several clients' PUSHes; pooled mode only.",
    ({ counts }) => counts.lanes.bulkPushes.sent,
  ),
  counter(
    'bulk_pushes_jobs_total',
    'PUSHes that travelled in such a PUSHB.',
    ({ counts }) => counts.lanes.bulkPushes.jobs,
  ),
  counter(
    'bulk_pushes_taken_apart_total',
    'PUSHBs that Faktory could not read; each PUSH was sent again alone.',
    ({ counts }) => counts.lanes.bulkPushes.takenApart,
  ),
  counterBy(
    'commands_expired_total',
    'Commands that could not be sent within pool.outage_wait, and were answered with an error, by verb.',
    'verb',
    (counts) => counts.lanes.commandsExpired,
  ),
  counterBy(
    'commands_sent_again_total',
    'Commands sent again over another server connection after a loss, by verb.',
    'verb',
    (counts) => counts.lanes.commandsSentAgain,
  ),
  counterBy(
    'commands_outcome_unknown_total',
    'Commands that were sent when their server connection was lost, and cannot be sent again.',
    'verb',
    (counts) => counts.lanes.commandsOutcomeUnknown,
  ),
  counter(
    'unexpected_replies_total',
    'Replies without a command, or bytes that are not a reply.',
    ({ counts }) => counts.server.unexpectedReplies.total,
  ),
  counterBy(
    'stray_jobs_total',
    'Jobs that arrived for a client that had left, by what became of them.',
    'fate',
    (counts) => counts.lanes.strayJobs,
  ),
  gauge(
    'stray_jobs',
    'Jobs that arrived for a client that had left, and that wait for a taker or for Faktory to take them back.',
    ({ snapshot }) => snapshot.strayJobs,
  ),
  bytesTotal,
  gauge(
    'buffered_bytes',
    'Bytes of commands that are not answered, of replies that clients have not taken, and of stray jobs; small ones on their way do not count.',
    ({ snapshot }) => snapshot.bufferedBytes,
  ),
  gauge(
    'buffered_bytes_limit',
    'Cap on buffered bytes: limits.buffered_bytes.',
    ({ snapshot }) => snapshot.limits.bufferedBytes,
  ),
];

/** What has not been measured yet is absent. */
function roundTrips({ snapshot: { adaptation } }: Source): Sample[] {
  const samples: Sample[] = [];
  for (const [window, ms] of [
    ['short', adaptation?.shortMs],
    ['long', adaptation?.longMs],
  ] as const) {
    if (typeof ms === 'number') samples.push({ labels: { window }, value: ms / 1000 });
  }
  return samples;
}
