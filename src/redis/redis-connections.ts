// Connections to Redis that are dialled when they are asked for. Promise: none dials again by itself, queues a
// command or sends one twice, except to the node of a cluster that it was sent on to.

import { Cluster, Redis, type RedisOptions } from 'ioredis';
import type { RedisAddress } from './redis-address.ts';
import type { SharedRedisAddress } from './shared-redis-address.ts';

/** How long a connection that was given up may take to close before it is cut off. */
const CLOSE_MS = 100;
/** A key has one place, and after it has moved another. */
const REDIRECTIONS_MAX = 2;

/** To one server. A dial, and an answer, may take `timeoutMs` each. */
export function redisConnection(dial: RedisAddress['dial'], timeoutMs: number): Redis {
  return new Redis({ ...dial, ...careful(timeoutMs), lazyConnect: true });
}

/** To the Redis of a shared limit, wherever its primary is at the moment of the dial. */
export function sharedRedisConnection(
  address: SharedRedisAddress,
  timeoutMs: number,
): Redis | Cluster {
  switch (address.kind) {
    case 'server':
      return redisConnection(address.dial, timeoutMs);
    case 'sentinel': {
      const { sentinels, name, login } = address;
      return new Redis({
        ...careful(timeoutMs),
        ...login,
        ...(login.tls !== undefined && { enableTLSForSentinelMode: true, sentinelTLS: login.tls }),
        sentinels: sentinels.map((node) => ({ ...node })),
        name,
        lazyConnect: true,
        sentinelCommandTimeout: timeoutMs,
        sentinelRetryStrategy: () => null,
        // What is configured is asked, and nothing else. A primary that lost its role refuses to write.
        updateSentinels: false,
        failoverDetector: false,
      });
    }
    case 'cluster':
      return new Cluster(
        address.nodes.map((node) => ({ ...node })),
        {
          lazyConnect: true,
          enableOfflineQueue: false,
          enableReadyCheck: false,
          maxRedirections: REDIRECTIONS_MAX,
          clusterRetryStrategy: () => null,
          slotsRefreshTimeout: timeoutMs,
          // A connection is given up when a request fails, and the next one asks for the slots again.
          slotsRefreshInterval: 0,
          redisOptions: { ...withoutRetries(careful(timeoutMs)), ...address.login },
        },
      );
  }
}

function careful(timeoutMs: number) {
  return {
    connectTimeout: timeoutMs,
    commandTimeout: timeoutMs,
    disconnectTimeout: CLOSE_MS,
    // Whoever asked asks again: one dial for each question, however long Redis is away.
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    enableReadyCheck: false,
    disableClientInfo: true,
    // RESP2 is spoken by every Redis; ioredis 6 would send HELLO 3.
    protocol: 2,
  } as const satisfies RedisOptions;
}

/** The cluster decides on these for its nodes. */
function withoutRetries({
  retryStrategy: _retry,
  enableOfflineQueue: _queue,
  ...rest
}: ReturnType<typeof careful>) {
  return rest;
}
