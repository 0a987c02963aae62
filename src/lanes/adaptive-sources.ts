// What the adaptive limit looks at. Promise: everything is read from what others measure and count for
// their own ends; reading it changes nothing but whether session mode measures.

import type { ServerConnections } from '../server/server-connections.ts';
import type { ServerCounts } from '../server/server-counts.ts';
import type { ServerEndReason } from '../server/server-states.ts';
import type { WriteHealth } from '../server/write-health.ts';
import type { Measured } from './adaptation.ts';
import type { FetchGovernor } from './fetch-governor.ts';
import type { LaneCounts } from './lane-counts.ts';
import type { Lanes } from './lanes.ts';

/**
 * Ends of server connections of which a Faktory with too much to do is a likely cause: it did not answer,
 * not read, or not get through a handshake in its time. One that closes them, or is not there, is not:
 * it restarts, or has dropped a worker without BEAT.
 */
const OVERLOAD_ENDS = [
  'unanswered',
  'write_stalled',
  'connect_timeout',
  'handshake_timeout',
] as const satisfies readonly ServerEndReason[];

export interface AdaptiveSourcesParts {
  readonly lanes: Lanes;
  readonly governor: FetchGovernor;
  readonly servers: ServerConnections;
  readonly health: WriteHealth;
  readonly counts: LaneCounts;
  readonly serverCounts: ServerCounts;
}

export function adaptiveSources(parts: AdaptiveSourcesParts): Measured {
  const { lanes, governor, servers, health, counts, serverCounts } = parts;
  return {
    measure: (isOn) => lanes.measure(isOn),
    workDone: () => lanes.workDone(),
    inFlight: () => governor.inFlight + lanes.gauges().commandsOutstanding,
    unansweredMs: (now) => servers.oldestUnansweredMs(now),
    errors: () => {
      const { PUSH, PUSHB } = counts.lateReplies.values;
      let sum = PUSH + PUSHB;
      for (const reason of OVERLOAD_ENDS) sum += serverCounts.ends.values[reason];
      return sum;
    },
    hangs: () => health.state.kind === 'suspect',
  };
}
