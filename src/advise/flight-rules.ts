// Rules about what is at Faktory at a time: FETCHes and commands in flight. Pure.

import type { Facts } from './facts.ts';
import { BACKLOG, fetchesMax, roomy } from './pool.ts';
import type { Finding } from './words.ts';

type Rule = (facts: Facts) => Finding | null;

export const FLIGHT_RULES: readonly Rule[] = [
  fetchesCanTakeAll,
  fetchesWait,
  commandsOverBacklog,
  commandsWait,
];

/** Where FETCHes may use every server connection, PUSH, ACK and BEAT find no connection to Redis. */
function fetchesCanTakeAll({ fetches, serverConnections, isShared }: Facts): Finding | null {
  // Where a limit is shared, both are divided alike.
  if (isShared || fetches.limit < serverConnections.limit) return null;
  return {
    id: 'fetches-in-flight-large',
    severity: 'problem',
    subject: '',
    text: `limits.fetches_in_flight (${fetches.limit}) is not below limits.server_connections (${serverConnections.limit}).`,
    why: "Each FETCH holds a connection of Faktory's Redis pool for up to 2 s. PUSH, ACK and BEAT must find one beside them.",
    evidence: {
      fetches_limit: fetches.limit,
      fetches_peak: fetches.peak,
      limit: serverConnections.limit,
    },
    change: { 'limits.fetches_in_flight': fetchesMax(serverConnections.limit) },
  };
}

function fetchesWait(facts: Facts): Finding | null {
  const { fetches, fetchesWaiting, serverConnections, mode } = facts;
  if (fetches.peak < fetches.limit || fetchesWaiting === 0) return null;
  const most = fetchesMax(serverConnections.limit);
  const isRoom = fetches.limit < most;
  const waits = fetchesWaiting === 1 ? '1 FETCH waits' : `${fetchesWaiting} FETCHes wait`;
  return {
    id: 'fetches-wait',
    severity: 'note',
    subject: '',
    text: `limits.fetches_in_flight (${fetches.limit}) is used up, and ${waits} in the bouncer.`,
    why: isRoom
      ? 'Consumers get jobs later than they could. There is room for more FETCHes beside the commands.'
      : `Consumers take turns, and get jobs later. Faktory bears no more FETCHes: run fewer consumers${mode === 'session' ? ', or use pooled mode, where they share FETCHes' : ''}.`,
    evidence: { peak: fetches.peak, limit: fetches.limit, waiting: fetchesWaiting, most },
    change: isRoom
      ? { 'limits.fetches_in_flight': Math.min(most, roomy(fetches.limit, 0.25)) }
      : {},
  };
}

function commandsOverBacklog({ commandsInFlight }: Facts): Finding | null {
  if (commandsInFlight <= BACKLOG) return null;
  return {
    id: 'commands-in-flight-large',
    severity: 'warning',
    subject: '',
    text: `limits.commands_in_flight is ${commandsInFlight}, above ${BACKLOG}.`,
    why: 'While Redis hangs, it takes no more than 511 new connections. Faktory then acknowledges jobs that it has lost.',
    evidence: { limit: commandsInFlight, redis_backlog: BACKLOG },
    change: { 'limits.commands_in_flight': 500 },
  };
}

function commandsWait({ commandsWaiting, commandsInFlight }: Facts): Finding | null {
  if (commandsWaiting === 0) return null;
  return {
    id: 'commands-wait',
    severity: 'warning',
    subject: '',
    text: `At least ${commandsWaiting} commands waited in the bouncer at every look.`,
    why: 'Faktory or its Redis is slow, or clients send many slow commands (MUTATE, PUSHB). More commands in flight do not make it faster. limits.adaptive lowers FETCHes first while Faktory is slow.',
    evidence: { waiting: commandsWaiting, limit: commandsInFlight },
    change: {},
  };
}
