// Facts from a Prometheus that scrapes bouncers. Pure: the queries to ask, and the facts that the answers make.
// Promise: each query is one number for each bouncer; what is not told is null or left out, never guessed.
//
// Peaks are of what was scraped: a burst between two looks is not seen.

import type { Facts } from './facts.ts';

/** One series of an answer. */
export interface Series {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

type Name = keyof ReturnType<typeof queriesOver>;

/** What each query was answered. */
export type Answers = Readonly<Record<Name, readonly Series[]>>;

/** Prometheus refuses a subquery of more than 11,000 steps; for 7 days, one is a minute. */
const LOOKS_MAX = 10_080;

/** PromQL by name, over the last `seconds`. */
export function queriesOver(seconds: number) {
  const over = `[${seconds}s:${stepOf(seconds)}s]`;
  const gauge = (name: string): string => `faktory_bouncer_${name}`;
  const sum = (name: string): string => `sum by (job, instance) (${gauge(name)})`;
  const most = (expression: string): string => `max_over_time((${expression})${over})`;
  const least = (expression: string): string => `min_over_time((${expression})${over})`;
  const mostly = (expression: string): string => `quantile_over_time(0.5, (${expression})${over})`;
  const added = (name: string): string =>
    `sum by (job, instance, reason) (increase(${gauge(name)}[${seconds}s]))`;
  return {
    // The age of the first sample, which may be older than what is asked for.
    covered: `max by (job, instance) (time() - min_over_time((timestamp(${gauge('mode_info')}))${over}))`,
    mode: `max by (job, instance, mode) (${gauge('mode_info')})`,
    clients: most(
      `sum by (job, instance) (${gauge('client_connections')}{state!~"refusing|refused"})`,
    ),
    clientsLimit: sum('client_connections_limit'),
    serverConnections: most(sum('server_places_taken')),
    serverConnectionsLimit: sum('server_connections_limit'),
    producerPlaces: most(
      `sum by (job, instance) (${gauge('server_places_taken')}{role="producer"})`,
    ),
    fetches: most(sum('fetches_in_flight')),
    // A pause and limits.adaptive lower it for a time.
    fetchesLimit: most(sum('fetches_in_flight_limit')),
    fetchesWaiting: mostly(sum('fetches_waiting')),
    commandsWaiting: mostly(sum('command_lane_waiting')),
    commandsInFlight: most(sum('commands_in_flight_limit')),
    waitingLine: most(sum('waiting_line_length')),
    waitingLineLimit: sum('waiting_line_limit'),
    unused: mostly(sum('client_connections_unused')),
    refused: added('refusals_total'),
    wouldHaveRefused: added('would_have_refused_total'),
    version: `max by (job, instance, version) (${gauge('faktory_info')})`,
    past: least(sum('faktory_connections_past_bouncer')),
    redisMaxClients: sum('redis_max_clients'),
    // What a parent lends to its processes is the limit of one bouncer alone.
    shared: `${sum('shared_limit_state')} unless on (job, instance) (${gauge('shared_limit_lender')}{lender="parent"} == 1)`,
  } as const;
}

/** The facts of each bouncer, by its instance; `seconds` were asked for, and Prometheus may know of fewer. */
export function factsOfPrometheus(
  answers: Answers,
  source: string,
  seconds: number,
): readonly Facts[] {
  const known = new Map(answers.mode.map((series) => [keyOf(series), series.labels]));
  return [...known.keys()].toSorted().map((key) => {
    const all = (name: Name): readonly Series[] =>
      answers[name].filter((series) => keyOf(series) === key);
    const one = (name: Name): number | null => all(name)[0]?.value ?? null;
    const whole = (name: Name): number => Math.round(one(name) ?? 0);
    const use = (peak: Name, limit: Name): Facts['clients'] => ({
      peak: whole(peak),
      limit: whole(limit),
    });
    return {
      source: `${source}, ${key}`,
      // Without a look: the first sample is younger than one step between two of them.
      seconds: Math.min(seconds, one('covered') ?? stepOf(seconds)),
      mode: all('mode')[0]?.labels['mode'] === 'pooled' ? 'pooled' : 'session',
      observeOnly: null,
      clients: use('clients', 'clientsLimit'),
      serverConnections: use('serverConnections', 'serverConnectionsLimit'),
      fetches: use('fetches', 'fetchesLimit'),
      waitingLine: use('waitingLine', 'waitingLineLimit'),
      atFaktory: whole('serverConnectionsLimit'),
      producerReserve: null,
      producerPlacesPeak: whole('producerPlaces'),
      fetchesWaiting: whole('fetchesWaiting'),
      commandsWaiting: whole('commandsWaiting'),
      commandsInFlight: whole('commandsInFlight'),
      unusedClients: whole('unused'),
      refused: byReason(all('refused')),
      wouldHaveRefused: byReason(all('wouldHaveRefused')),
      version: all('version')[0]?.labels['version'] ?? null,
      past: one('past'),
      redisMaxClients: one('redisMaxClients'),
      isShared: one('shared') !== null,
      crowds: null,
    };
  });
}

function keyOf({ labels }: Series): string {
  return `${labels['job'] ?? ''} ${labels['instance'] ?? ''}`.trim();
}

/** increase() extrapolates: 3.04 means 3. */
function byReason(series: readonly Series[]): Facts['refused'] {
  return Object.fromEntries(
    series.map(({ labels, value }) => [labels['reason'] ?? '', Math.round(value)]),
  );
}

/** Between two looks at the last `seconds`, in seconds. */
function stepOf(seconds: number): number {
  return Math.max(1, Math.round(seconds / LOOKS_MAX));
}
