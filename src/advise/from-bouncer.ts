// Facts from what a bouncer's admin address told, once or several times. Pure.

import type { Client, State } from '../admin/schemas.ts';
import { crowdsOf } from './crowds.ts';
import type { Facts } from './facts.ts';
import type { Samples } from './samples.ts';

/** One look at a bouncer. */
export interface Look {
  readonly state: State;
  readonly samples: Samples;
}

export interface Looks {
  /** Where the bouncer is, without secrets. */
  readonly source: string;
  /** At least one, in their order. */
  readonly looks: readonly [Look, ...Look[]];
  /** Options in force, as they are written. */
  readonly options: ReadonlyMap<string, unknown>;
  /** Its clients at the end, and at the beginning of a watch; null: it was looked at once. */
  readonly clients: readonly Client[];
  readonly clientsBefore: readonly Client[] | null;
}

export function factsOfBouncer({ source, looks, options, clients, clientsBefore }: Looks): Facts {
  const { state, samples } = looks.at(-1) ?? looks[0];
  const most = (read: (look: Look) => number): number => Math.max(...looks.map(read));
  const least = (read: (look: Look) => number): number => Math.min(...looks.map(read));
  const past = looks.map((look) => look.samples.get('faktory_connections_past_bouncer'));
  const started = samples.get('process_start_time_seconds') ?? state.at / 1000;
  const shared = state.shared_limit ?? null;
  // What a parent lends to its processes is the limit of this bouncer alone.
  const isShared = shared !== null && shared.lender !== 'parent';
  return {
    source,
    seconds: Math.max(0, state.at / 1000 - started),
    mode: state.mode,
    observeOnly: options.get('observe_only') === true,
    clients: use(state.clients, numberOf(options, 'limits.clients')),
    serverConnections: use(
      state.server_connections,
      isShared ? null : numberOf(options, 'limits.server_connections'),
    ),
    // A pause and limits.adaptive lower it for a time.
    fetches: use(state.fetches, isShared ? null : numberOf(options, 'limits.fetches_in_flight')),
    waitingLine: use(state.waiting_line, numberOf(options, 'waiting_line.size')),
    atFaktory: numberOf(options, 'limits.server_connections') ?? state.server_connections.limit,
    producerReserve: state.server_connections.producer_reserve,
    producerPlacesPeak: most(
      (look) => look.samples.get('server_places_taken{role="producer"}') ?? 0,
    ),
    fetchesWaiting: least((look) => look.state.fetches.waiting),
    commandsWaiting: least((look) => look.state.commands.waiting),
    commandsInFlight:
      numberOf(options, 'limits.commands_in_flight') ??
      samples.get('commands_in_flight_limit') ??
      0,
    unusedClients: least((look) => look.state.clients.unused),
    refused: state.refused,
    wouldHaveRefused: state.would_have_refused,
    version: state.faktory.version,
    past: past.includes(undefined) ? null : Math.min(...past.map((count) => count ?? 0)),
    redisMaxClients: samples.get('redis_max_clients') ?? null,
    isShared,
    crowds: crowdsOf(clients, clientsBefore),
  };
}

/** What is configured is the limit, where it is known. */
function use(gauge: { peak: number; limit: number }, configured: number | null): Facts['clients'] {
  return { peak: gauge.peak, limit: configured ?? gauge.limit };
}

function numberOf(options: ReadonlyMap<string, unknown>, key: string): number | null {
  const value = options.get(key);
  return typeof value === 'number' ? value : null;
}
