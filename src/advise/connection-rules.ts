// Rules about who comes in: client connections, server connections, the reserve, the waiting line. Pure.

import { countOf, type Facts, turnedAway } from './facts.ts';
import { redisPoolOf, roomy, serverConnectionsMax } from './pool.ts';
import type { Finding } from './words.ts';

/** Share of a limit from which on it is nearly full. */
const NEARLY_FULL = 0.9;
const DAY_SECONDS = 86_400;

type Rule = (facts: Facts) => Finding | null;

export const CONNECTION_RULES: readonly Rule[] = [
  overThePool,
  redisTooSmall,
  serverConnectionsFull,
  pastTheBouncer,
  clientsFull,
  reserveTooSmall,
  reserveTooLarge,
  waitingLineFull,
  handshakesFull,
  perWorkerFull,
  perAddressFull,
  onlyObserved,
];

function overThePool(facts: Facts): Finding | null {
  const { serverConnections, atFaktory: limit, version, isShared } = facts;
  const pool = redisPoolOf(version);
  const past = facts.past ?? 0;
  if (limit + past <= pool) return null;
  return {
    id: 'server-connections-over-pool',
    severity: 'problem',
    subject: '',
    text: `limits.server_connections is ${limit}, and Faktory's Redis pool has ${pool} connections.`,
    why: `Faktory acknowledges jobs that it cannot store once its Redis pool is used up. In Faktory Enterprise the pool is the licensed number of connections. Lower the limit${isShared ? ' at every bouncer' : ''}.`,
    evidence: { limit, past_bouncer: past, redis_pool: pool, peak: serverConnections.peak },
    change: { 'limits.server_connections': serverConnectionsMax(version, past) },
  };
}

function redisTooSmall({ redisMaxClients, atFaktory }: Facts): Finding | null {
  if (redisMaxClients === null || redisMaxClients > atFaktory) return null;
  return {
    id: 'redis-max-clients',
    severity: 'problem',
    subject: '',
    text: `Faktory's Redis takes ${redisMaxClients} connections, fewer than limits.server_connections.`,
    why: 'Faktory needs a connection to Redis for each command that it works on. Raise maxclients of that Redis.',
    evidence: { redis_max_clients: redisMaxClients, limit: atFaktory },
    change: {},
  };
}

function serverConnectionsFull(facts: Facts): Finding | null {
  const { serverConnections, mode, version, isShared, wouldHaveRefused } = facts;
  const { peak, limit } = serverConnections;
  const away = turnedAway(facts, 'server_connections');
  if (away === 0) return null;
  const most = serverConnectionsMax(version, facts.past ?? 0);
  // With observe_only the peak shows what is needed; where the limit holds it hides it.
  const observed = countOf(wouldHaveRefused, 'server_connections') > 0;
  const wanted = observed ? roomy(peak, 0.1) : roomy(limit, 0.5);
  const evidence = { peak, limit, ...split(facts, 'server_connections'), most };
  const base = {
    id: 'server-connections-full',
    severity: 'warning',
    subject: '',
    text: `limits.server_connections (${limit}) ${observed ? 'would have refused' : 'refused'} ${clientsOf(away)}.`,
    evidence,
  } as const;
  if (isShared) {
    return {
      ...base,
      why: 'The limit is shared. Where all bouncers are full, raise it at each of them, or use pooled mode.',
      change: mode === 'session' ? { mode: 'pooled' } : {},
    };
  }
  if (wanted <= most) {
    return {
      ...base,
      why: `No server connection became free in time. Faktory's Redis pool bears up to ${most}.`,
      change: { 'limits.server_connections': wanted },
    };
  }
  if (mode === 'session') {
    return {
      ...base,
      why: `Faktory bears no more than about ${most}. In pooled mode, clients share server connections: read docs/modes.md first. Fewer consumers help too.`,
      change: { mode: 'pooled', ...(limit < most && { 'limits.server_connections': most }) },
    };
  }
  return {
    ...base,
    why: `In pooled mode each worker needs a server connection, and Faktory bears no more than about ${most}. Run fewer worker processes with more threads each, or lower pool.fetches_per_worker_max.`,
    change: limit < most ? { 'limits.server_connections': most } : {},
  };
}

function pastTheBouncer({ past, version, atFaktory: limit, isShared }: Facts): Finding | null {
  if (past === null || past === 0) return null;
  const most = serverConnectionsMax(version, past);
  return {
    id: 'past-bouncer',
    severity: 'warning',
    subject: '',
    text: `${past} connections to Faktory bypass the bouncer.`,
    why: isShared
      ? 'No limit holds for them. Point these clients at a bouncer.'
      : 'No limit holds for them. Point these clients at the bouncer. Another bouncer that shares no limit with this one is counted too: see docs/scale.md.',
    evidence: { past_bouncer: past, limit },
    change: limit > most ? { 'limits.server_connections': most } : {},
  };
}

function clientsFull(facts: Facts): Finding | null {
  const { clients, unusedClients } = facts;
  const { peak, limit } = clients;
  const away = turnedAway(facts, 'clients');
  if (away === 0 && peak < limit * NEARLY_FULL) return null;
  const unused =
    unusedClients * 5 >= peak
      ? ` ${unusedClients} of them are unused: look for leaks before you raise it.`
      : '';
  return {
    id: 'clients-full',
    severity: away > 0 ? 'warning' : 'note',
    subject: '',
    text:
      away > 0
        ? `limits.clients (${limit}) turned ${clientsOf(away)} away.`
        : `limits.clients (${limit}) is nearly full: the peak was ${peak}.`,
    why: `It guards the bouncer's own memory and open files: a client takes 6 to 14 kB and one file, or two in session mode.${unused}`,
    evidence: { peak, limit, ...split(facts, 'clients'), unused: unusedClients },
    change: { 'limits.clients': roomy(Math.max(peak, limit), 0.5) },
  };
}

/** Producers that find no place outside of the reserve compete with workers for one. */
function reserveTooSmall(facts: Facts): Finding | null {
  const { serverConnections, producerReserve, producerPlacesPeak, isShared } = facts;
  const isFull = serverConnections.peak >= serverConnections.limit;
  if (producerReserve === null || isShared || !isFull || producerPlacesPeak <= producerReserve)
    return null;
  const most = Math.floor(serverConnections.limit / 2);
  const wanted = Math.min(most, roomy(producerPlacesPeak, 0.1));
  if (wanted <= producerReserve) return null;
  return {
    id: 'producer-reserve-small',
    severity: producerReserve === 0 ? 'problem' : 'warning',
    subject: '',
    text: `limits.producer_reserve is ${producerReserve}, and producers had up to ${producerPlacesPeak} places.`,
    why: 'All server connections were in use. What producers have beyond the reserve, idle consumers can take, and then a PUSH waits or is refused.',
    evidence: {
      producer_places_peak: producerPlacesPeak,
      producer_reserve: producerReserve,
      peak: serverConnections.peak,
      limit: serverConnections.limit,
    },
    change: { 'limits.producer_reserve': wanted },
  };
}

function reserveTooLarge(facts: Facts): Finding | null {
  const { producerReserve, producerPlacesPeak, isShared, mode, seconds } = facts;
  const away = turnedAway(facts, 'server_connections');
  // A reserve is for what comes seldom: a short look does not show that it is not needed.
  if (
    producerReserve === null ||
    isShared ||
    mode === 'pooled' ||
    away === 0 ||
    seconds < DAY_SECONDS
  )
    return null;
  const wanted = Math.max(1, roomy(producerPlacesPeak, 0.5));
  if (producerReserve < 2 * wanted) return null;
  return {
    id: 'producer-reserve-large',
    severity: 'note',
    subject: '',
    text: `limits.producer_reserve keeps ${producerReserve} places from workers, and producers had at most ${producerPlacesPeak}.`,
    why: 'Clients were refused while places of the reserve were free.',
    evidence: {
      producer_places_peak: producerPlacesPeak,
      producer_reserve: producerReserve,
      ...split(facts, 'server_connections'),
    },
    change: { 'limits.producer_reserve': wanted },
  };
}

function waitingLineFull(facts: Facts): Finding | null {
  const { peak, limit } = facts.waitingLine;
  const away = turnedAway(facts, 'waiting_line');
  if (away === 0) return null;
  const timedOut = turnedAway(facts, 'server_connections');
  const evidence = { peak, limit, ...split(facts, 'waiting_line'), without_place: timedOut };
  const base = {
    id: 'waiting-line-full',
    severity: 'warning',
    subject: '',
    text: `The waiting line (${limit}) was full for ${clientsOf(away)}.`,
    evidence,
  } as const;
  if (timedOut > 0) {
    return {
      ...base,
      why: 'Clients that waited got no place in time either. A longer line only delays the refusal: there are too few server connections.',
      change: {},
    };
  }
  return {
    ...base,
    why: 'Every client that could wait got its place in time. So these were bursts, and a longer line takes them.',
    change: { 'waiting_line.size': limit === 0 ? 1000 : roomy(limit, 1) },
  };
}

function handshakesFull(facts: Facts): Finding | null {
  const away = turnedAway(facts, 'handshakes');
  if (away === 0) return null;
  return {
    id: 'handshakes-full',
    severity: 'warning',
    subject: '',
    text: `limits.handshakes refused ${clientsOf(away)}.`,
    why: 'More clients connected at a time than handshakes were let in. If clients reconnect for each job, let them keep their connections. If they restart together, raise limits.handshakes.',
    evidence: split(facts, 'handshakes'),
    change: {},
  };
}

function perWorkerFull(facts: Facts): Finding | null {
  return perCrowdFull(facts, 'per_worker', 'worker');
}

function perAddressFull(facts: Facts): Finding | null {
  return perCrowdFull(facts, 'per_address', 'address');
}

function perCrowdFull(
  facts: Facts,
  reason: 'per_worker' | 'per_address',
  what: 'worker' | 'address',
): Finding | null {
  const away = turnedAway(facts, reason);
  if (away === 0) return null;
  return {
    id: `${reason.replace('_', '-')}-full`,
    severity: 'note',
    subject: '',
    text: `limits.${reason} turned ${clientsOf(away)} away.`,
    why: `One ${what} wants more connections than it may have. If it does not leak them, raise limits.${reason} to what its pools need.`,
    evidence: split(facts, reason),
    change: {},
  };
}

function onlyObserved({ observeOnly, wouldHaveRefused, seconds }: Facts): Finding | null {
  if (observeOnly !== true) return null;
  const away = Object.values(wouldHaveRefused).reduce((sum, times) => sum + times, 0);
  const isLong = seconds >= DAY_SECONDS;
  const why =
    away > 0
      ? 'Set the limits first, as advised here.'
      : isLong
        ? 'The limits would have refused no client in this time, so they can hold.'
        : 'No client would have been refused so far. Watch a day of usual load before the limits hold.';
  return {
    id: 'observe-only',
    severity: 'note',
    subject: '',
    text: 'observe_only is on: no limit holds, and Faktory is not protected.',
    why,
    evidence: { would_have_refused: away, seconds: Math.round(seconds) },
    change: away === 0 && isLong ? { observe_only: false } : {},
  };
}

function split({ refused, wouldHaveRefused }: Facts, reason: string) {
  return {
    refused: countOf(refused, reason),
    would_have_refused: countOf(wouldHaveRefused, reason),
  };
}

function clientsOf(count: number): string {
  return count === 1 ? '1 client' : `${count} clients`;
}
