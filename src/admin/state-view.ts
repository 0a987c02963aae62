// The state of a bouncer as the admin API tells it. Pure. Promise: each number is one of the
// snapshot's or the counts'; nothing is kept.

import type { LaneName, ServerState } from '../server/server-states.ts';
import type { ClientState } from '../client/client-states.ts';
import type { Snapshot } from '../observe/snapshot.ts';
import type { Operated } from './operated.ts';
import { milliFraction } from './rows.ts';
import type { History, State } from './schemas.ts';

/** What is there at `wallMs`, milliseconds since 1970. */
export function stateOf(operated: Operated, snapshot: Snapshot, wallMs: number): State {
  const { counts, version, pausing, reloading } = operated;
  const { limits, peaks, fetches, waitingLine, commandLane } = snapshot;
  const { producer, worker } = waitingLine.length;
  return {
    at: wallMs,
    version,
    mode: snapshot.mode,
    draining: snapshot.draining,
    paused: pausing === null ? null : pausing.isPaused,
    can_reload: reloading !== null,
    faktory: faktoryOf(snapshot),
    clients: clientsOf(snapshot),
    server_connections: {
      now: snapshot.placesTaken.producer + snapshot.placesTaken.worker,
      peak: peaks.serverConnections,
      limit: limits.serverConnections,
      producer_reserve: limits.producerReserve,
      ...serversBy(snapshot.servers),
    },
    fetches: {
      now: fetches.inFlight,
      peak: peaks.fetchesInFlight,
      limit: limits.fetchesInFlight,
      waiting: fetches.waiting,
    },
    waiting_line: {
      now: producer + worker,
      peak: peaks.waitingLine,
      limit: limits.waitingLine,
      oldest_seconds: milliFraction(waitingLine.oldestWaitSeconds),
      producers: producer,
      workers: worker,
    },
    buffered_bytes: { now: snapshot.bufferedBytes, limit: limits.bufferedBytes },
    commands: { outstanding: commandLane.outstanding, waiting: commandLane.waiting },
    adaptation: adaptationOf(snapshot),
    shared_limit: sharedLimitOf(snapshot),
    writes: snapshot.writes,
    stray_jobs: snapshot.strayJobs,
    accepted: counts.client.accepted.total,
    refused: { ...counts.client.refusals.values },
    would_have_refused: { ...counts.client.wouldHaveRefused.values },
  };
}

/** The samples of the last minutes. */
export function historyOf({ history }: Operated): History {
  return {
    samples: history.all().map((sample) => ({
      at: sample.at,
      clients: sample.clients,
      server_connections: sample.serverConnections,
      fetches_in_flight: sample.fetchesInFlight,
      waiting_line: sample.waitingLine,
      refused: sample.refused,
    })),
  };
}

function adaptationOf({ adaptation }: Snapshot): State['adaptation'] {
  if (adaptation === null) return null;
  return {
    fetches_in_flight: adaptation.fetchesInFlight,
    commands_in_flight: adaptation.commandsInFlight,
    short_ms: inTenths(adaptation.shortMs),
    long_ms: inTenths(adaptation.longMs),
  };
}

function sharedLimitOf({ sharedLimit }: Snapshot): State['shared_limit'] {
  if (sharedLimit === null) return null;
  const { lender, state, leased, usable, house, trouble } = sharedLimit;
  const all =
    house === null
      ? null
      : {
          bouncers: house.holders,
          leased: house.leased,
          used: house.used,
          outside: house.outside,
          free: house.free,
        };
  return { lender, state, leased, usable, all, trouble };
}

function inTenths(ms: number | null): number | null {
  return ms === null ? null : Math.round(ms * 10) / 10;
}

function faktoryOf({ faktory, lastFailure }: Snapshot): State['faktory'] {
  return {
    up: faktory.up,
    last_failure: lastFailure,
    version: faktory.info?.version ?? null,
    connections: faktory.info?.connections ?? null,
    enqueued: faktory.info?.enqueued ?? null,
  };
}

function clientsOf({ clients, limits, peaks, unusedClients }: Snapshot): State['clients'] {
  const byState = {} as Record<ClientState, number>;
  const byRole = { producer: 0, worker: 0, unknown: 0 };
  let now = 0;
  for (const role of ['producer', 'worker', 'unknown'] as const) {
    for (const [state, count] of Object.entries(clients[role]) as [ClientState, number][]) {
      byState[state] = (byState[state] ?? 0) + count;
      byRole[role] += count;
      if (state !== 'refusing' && state !== 'refused') now += count;
    }
  }
  return {
    now,
    peak: peaks.clients,
    limit: limits.clients,
    by_state: byState,
    by_role: byRole,
    unused: unusedClients,
  };
}

function serversBy(
  servers: Snapshot['servers'],
): Pick<State['server_connections'], 'by_state' | 'by_lane'> {
  const byState = {} as Record<ServerState, number>;
  const byLane = {} as Record<LaneName, number>;
  for (const [lane, states] of Object.entries(servers) as [
    LaneName,
    Record<ServerState, number>,
  ][]) {
    byLane[lane] = 0;
    for (const [state, count] of Object.entries(states) as [ServerState, number][]) {
      byState[state] = (byState[state] ?? 0) + count;
      byLane[lane] += count;
    }
  }
  return { by_state: byState, by_lane: byLane };
}
