// Counts and snapshot as Prometheus text. Promise: nothing is copied before a scrape asks for it,
// one scrape reads one instant, and the registry is our own, never the library's global one. What
// is exported is left to the families.

import { Registry, collectDefaultMetrics } from 'prom-client';
import type { Metric } from 'prom-client';
import type { Counts } from './counts.ts';
import { METRIC_PREFIX } from './families/family.ts';
import type { Family, Source } from './families/family.ts';
import type { Snapshot } from './snapshot.ts';

/** What the admin server needs to answer a scrape. */
export interface Metrics {
  readonly contentType: string;
  render(): Promise<string>;
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
  const registry = new Registry();
  let source: Source | null = null;
  for (const family of families) register(registry, family, () => source);
  collectDefaultMetrics({ register: registry, prefix: METRIC_PREFIX });
  for (const name of MISNAMED) registry.removeSingleMetric(METRIC_PREFIX + name);
  return {
    contentType: registry.contentType,
    render() {
      // The families are read before metrics() returns its promise, so that scrapes at the same
      // time cannot see each other's source.
      source = { counts, snapshot: snapshot() };
      const text = registry.metrics();
      source = null;
      return text.then(spelledByTheFormat);
    },
  };
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
