// Counts and snapshot as Prometheus text. Promise: nothing is copied before a scrape asks for it,
// one scrape reads one instant, and the registry is our own, never the library's global one. What
// is exported is left to the families.

import { Registry, collectDefaultMetrics } from 'prom-client';
import type { Metric } from 'prom-client';
import type { Counts } from './counts.ts';
import { bouncerFamilies } from './families/bouncer.ts';
import { CLIENT_FAMILIES } from './families/clients.ts';
import { COMMAND_FAMILIES } from './families/commands.ts';
import { FAKTORY_FAMILIES } from './families/faktory.ts';
import { METRIC_PREFIX } from './families/family.ts';
import type { Family, Source } from './families/family.ts';
import { SERVER_FAMILIES } from './families/servers.ts';
import { TLS_FAMILIES } from './families/tls.ts';
import { WRITE_FAMILIES } from './families/writes.ts';
import type { Snapshot } from './snapshot.ts';

/** What the admin server needs to answer a scrape. */
export interface Metrics {
  readonly contentType: string;
  render(): Promise<string>;
}

/** Makes the registry of one bouncer; `snapshot` is called once per scrape. */
export function createMetrics(counts: Counts, snapshot: () => Snapshot, version: string): Metrics {
  const registry = new Registry();
  let source: Source | null = null;
  const families = [
    ...CLIENT_FAMILIES,
    ...SERVER_FAMILIES,
    ...COMMAND_FAMILIES,
    ...WRITE_FAMILIES,
    ...FAKTORY_FAMILIES,
    ...TLS_FAMILIES,
    ...bouncerFamilies(version),
  ];
  for (const family of families) register(registry, family, () => source);
  collectDefaultMetrics({ register: registry, prefix: METRIC_PREFIX });
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
