// Counts and snapshot as Prometheus text. Promise: nothing is copied before a scrape asks for it,
// one scrape reads one instant, and the registry is our own, never the library's global one. What
// is exported is left to the families.

import { AggregatorRegistry, collectDefaultMetrics, Registry } from 'prom-client';
import type { Metric, MetricObjectWithValues, MetricValue } from 'prom-client';
import type { Counts } from './counts.ts';
import { METRIC_PREFIX } from './families/family.ts';
import type { Family, Source } from './families/family.ts';
import type { Snapshot } from './snapshot.ts';

/** What the admin server needs to answer a scrape. */
export interface Metrics {
  readonly contentType: string;
  render(): Promise<string>;
  /** What the metrics library measures of the process itself. */
  ownProcess(): Promise<readonly ProcessMetric[]>;
}

/** One metric of a process, which can be sent to another one. */
export type ProcessMetric = MetricObjectWithValues<MetricValue<string>>;

/** What is told of several processes as one. */
export interface Whole {
  /** Counts and snapshot of all of them. */
  readonly source: Source;
  /** What the metrics library measures, process by process. */
  readonly processes: readonly (readonly ProcessMetric[])[];
}

/** Gauges of prom-client that are named as counters; each is the sum of another metric. */
const MISNAMED = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
];

/** Makes the registry of one bouncer; `snapshot` is called once per scrape. */
export function createMetrics(
  families: readonly Family[],
  counts: Counts,
  snapshot: () => Snapshot,
): Metrics {
  const rendered = new Rendered(families);
  const own = ownRegistry();
  return {
    contentType: own.contentType,
    render: async () => {
      const text = rendered.text({ counts, snapshot: snapshot() });
      return spelledByTheFormat(`${await text}\n${await own.metrics()}`);
    },
    ownProcess: () => processMetrics(own),
  };
}

/** The metrics of several processes as one page; `whole` is asked once per scrape. */
export function createWholeMetrics(
  families: readonly Family[],
  whole: () => Promise<Whole>,
): Metrics {
  const rendered = new Rendered(families);
  const own = ownRegistry();
  return {
    contentType: own.contentType,
    render: async () => {
      const { source, processes } = await whole();
      const text = rendered.text(source);
      const all = await addedUp([await processMetrics(own), ...processes]).metrics();
      return spelledByTheFormat(`${await text}\n${all}`);
    },
    ownProcess: () => processMetrics(own),
  };
}

/** What is left of a process that has ended, beside what was left of others: only what was counted. */
export async function leftBehind(
  before: readonly ProcessMetric[],
  last: readonly ProcessMetric[],
): Promise<readonly ProcessMetric[]> {
  const counted = last.filter(({ type }) => `${type}` === 'counter' || `${type}` === 'histogram');
  return addedUp([before, counted]).getMetricsAsJSON();
}

function addedUp(processes: readonly (readonly ProcessMetric[])[]): Registry {
  return AggregatorRegistry.aggregate(processes as object[]);
}

/** Names that end so, and how they are added up where the library's own way would hide something. */
const ADDED_UP_AS = [
  // One event loop that stands still must show.
  { pattern: /_nodejs_eventloop_lag_(?!min_)/, aggregator: 'max' },
  // Each process has a limit of its own.
  { pattern: /_process_(?:open|max)_fds$/, aggregator: 'max' },
  { pattern: /_process_start_time_seconds$/, aggregator: 'min' },
] as const;

async function processMetrics(own: Registry): Promise<readonly ProcessMetric[]> {
  const metrics = (await own.getMetricsAsJSON()) as ProcessMetric[];
  return metrics.map((metric) => {
    const found = ADDED_UP_AS.find(({ pattern }) => pattern.test(metric.name));
    return found === undefined ? metric : { ...metric, aggregator: found.aggregator };
  });
}

/** What the metrics library measures of this process. */
function ownRegistry(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: METRIC_PREFIX });
  for (const name of MISNAMED) registry.removeSingleMetric(METRIC_PREFIX + name);
  return registry;
}

/** The families as a registry. */
class Rendered {
  readonly #registry = new Registry();
  #source: Source | null = null;

  constructor(families: readonly Family[]) {
    for (const family of families) register(this.#registry, family, () => this.#source);
  }

  /**
   * The families are read before metrics() returns its promise, so that scrapes at the same time cannot see
   * each other's source.
   */
  text(source: Source): Promise<string> {
    this.#source = source;
    const text = this.#registry.metrics();
    this.#source = null;
    return text;
  }
}

/** prom-client writes the mean of an event loop that was not sampled yet as `Nan`. */
function spelledByTheFormat(text: string): string {
  return text.replace(/ Nan$/gm, ' NaN');
}

/**
 * prom-client can add to counters and histograms but not set them. Its registry asks no more of a
 * metric than `name` and `get()`, so each family is registered as exactly that, and the cast is
 * here and nowhere else.
 */
function register(registry: Registry, family: Family, source: () => Source | null): void {
  const { name, help, type } = family;
  const metric = {
    name,
    help,
    type,
    aggregator: 'sum',
    async get() {
      const read = source();
      return { name, help, type, aggregator: 'sum', values: read ? family.read(read) : [] };
    },
  };
  registry.registerMetric(metric as unknown as Metric);
}
