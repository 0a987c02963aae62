// Metrics about what stands behind the bouncer: Faktory and, when it is probed, its Redis. Promise:
// what was never heard is absent, not 0, and a version becomes a label only when it looks like one.

import type { Snapshot } from '../snapshot.ts';
import type { FaktoryInfo } from '../../server/info.ts';
import type { RedisInfo } from '../../redis/redis-info.ts';
import { counter, counterBy, gauge, labelledGauge } from './family.ts';
import type { Family, Source } from './family.ts';
import { serversIn } from './servers.ts';

const PLAIN_VERSION = /^[0-9A-Za-z.+-]{1,32}$/;

export const FAKTORY_FAMILIES: readonly Family[] = [
  gauge(
    'faktory_up',
    "1 while the bouncer's own connection is open, 0 from its first failed dial on.",
    ({ snapshot }) => (snapshot.faktory.up ? 1 : 0),
  ),
  labelledGauge(
    'faktory_info',
    'Always 1; the label is the version that Faktory names in INFO.',
    ({ snapshot }) => {
      const version = snapshot.faktory.info?.version;
      if (version === undefined || !PLAIN_VERSION.test(version)) return [];
      return [{ labels: { version }, value: 1 }];
    },
  ),
  counterBy(
    'info_answers_total',
    "Answers to the bouncer's own INFO, by what could be made of them.",
    'outcome',
    (counts) => counts.server.info,
  ),
  counter(
    'info_forced_total',
    "The bouncer's own INFOs that were sent although PUSHes to new queues were at Faktory.",
    ({ counts }) => counts.lanes.infosForced.total,
  ),
  faktoryGauge('faktory_connections', 'connections', 'Connections that Faktory counts.'),
  gauge(
    'faktory_connections_past_bouncer',
    'Connections that Faktory counts beyond those that bouncers hold; absent while not known.',
    ({ snapshot }) => connectionsPastBouncer(snapshot),
  ),
  faktoryGauge('faktory_uptime_seconds', 'uptimeSeconds', 'Time since Faktory started.'),
  faktoryGauge('faktory_queues', 'queues', 'Queues that Faktory knows.'),
  faktoryGauge('faktory_enqueued_jobs', 'enqueued', 'Jobs in all queues.'),
  faktoryCounter('faktory_processed_jobs_total', 'processed', 'Jobs processed, Faktory says.'),
  faktoryCounter('faktory_failed_jobs_total', 'failures', 'Jobs failed, Faktory says.'),
  faktoryCounter('faktory_commands_total', 'commands', 'Commands since Faktory started.'),
  redisGauge('redis_connected_clients', 'connectedClients', 'Connections that Redis counts.'),
  redisGauge('redis_blocked_clients', 'blockedClients', 'Redis connections that block in BRPOP.'),
  redisGauge('redis_max_clients', 'maxClients', "Redis's own cap on connections."),
  redisGauge('redis_used_memory_bytes', 'usedMemoryBytes', 'Memory that Redis uses.'),
  redisGauge('redis_max_memory_bytes', 'maxMemoryBytes', "Redis's own cap on memory; 0 is none."),
  {
    ...counter(
      'redis_rejected_connections_total',
      'Connections that Redis refused because of its cap.',
      ({ snapshot }) => snapshot.redis?.rejectedConnections ?? null,
    ),
    isForeign: true,
  },
];

/**
 * Faktory counts a connection from the end of its handshake to its close. The bouncer's number is
 * of now and Faktory's of the last INFO, so a burst in between shows for one interval: alert on
 * what lasts. Where a limit is shared, all that other bouncers may have is left out: what remains is
 * sure, and is absent while Redis does not tell of them.
 */
function connectionsPastBouncer(snapshot: Snapshot): number | null {
  const { up, info } = snapshot.faktory;
  if (!up || info === null) return null;
  const elsewhere = snapshot.sharedLimit === null ? 0 : snapshot.sharedLimit.elsewhere;
  if (elsewhere === null) return null;
  const own = serversIn(snapshot, ['open', 'orphaned', 'closing']);
  return Math.max(0, info.connections - own - elsewhere);
}

function faktoryGauge(name: string, key: NumberKey<FaktoryInfo>, help: string): Family {
  return gauge(name, help, ({ snapshot }) => snapshot.faktory.info?.[key] ?? null);
}

function faktoryCounter(name: string, key: NumberKey<FaktoryInfo>, help: string): Family {
  const read = ({ snapshot }: Source): number | null => snapshot.faktory.info?.[key] ?? null;
  return { ...counter(name, help, read), isForeign: true };
}

function redisGauge(name: string, key: NumberKey<RedisInfo>, help: string): Family {
  return gauge(name, help, ({ snapshot }) => snapshot.redis?.[key] ?? null);
}

type NumberKey<T> = { [K in keyof T]: T[K] extends number ? K : never }[keyof T];
