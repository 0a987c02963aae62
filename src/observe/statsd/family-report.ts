// The metric families as statsd wants them. Promise: a counter is sent as what was added since the
// report before, and not at all where that is nothing; a gauge as it is; a histogram as the count and
// the sum that were added, and the quantiles of just these.

import { METRIC_PREFIX } from '../families/family.ts';
import type { Family, Sample, Source } from '../families/family.ts';
import { Deltas } from './deltas.ts';
import type { Measurement } from './measurement.ts';
import { type AddedBucket, quantile } from './quantile.ts';

/** By the last part of the name. */
const QUANTILES: Readonly<Record<string, number>> = { p50: 0.5, p95: 0.95, p99: 0.99 };

interface AddedHistogram {
  readonly tags: Record<string, string>;
  readonly buckets: AddedBucket[];
  /** How many of `buckets` observations the smaller bounds hold already. */
  below: number;
  sum: number;
  count: number;
}

export class FamilyReport {
  readonly #families: readonly Family[];
  readonly #prefix: string;
  readonly #deltas = new Deltas();

  /** `prefix` stands instead of `faktory_bouncer_`. */
  constructor(families: readonly Family[], prefix: string) {
    this.#families = families;
    this.#prefix = prefix;
  }

  /** What has changed since the call before, and all gauges. */
  take(source: Source): readonly Measurement[] {
    const all = this.#families.flatMap((family) => this.#measure(family, family.read(source)));
    this.#deltas.next();
    return all;
  }

  #measure(family: Family, samples: readonly Sample[]): readonly Measurement[] {
    const name = this.#prefix + family.name.slice(METRIC_PREFIX.length);
    switch (family.type) {
      case 'gauge':
        return samples.map(({ labels, value }) => ({ name, type: 'gauge', value, tags: labels }));
      case 'counter':
        return samples.flatMap((sample) => {
          const value = this.#added(family, sample);
          return value === 0 ? [] : [{ name, type: 'count', value, tags: sample.labels } as const];
        });
      case 'histogram':
        return this.#histograms(family, samples).flatMap((histogram) => measured(name, histogram));
    }
  }

  /** What was added to a sample that only grows. */
  #added({ name, isForeign }: Family, { metricName = name, labels, value }: Sample): number {
    const key = `${metricName} ${Object.values(labels).join(' ')}`;
    return this.#deltas.added(key, value, isForeign);
  }

  /** The samples of each label value, in the order in which the family gives them. */
  #histograms(family: Family, samples: readonly Sample[]): readonly AddedHistogram[] {
    const found = new Map<string, AddedHistogram>();
    for (const sample of samples) {
      const { le, ...tags } = sample.labels;
      const key = Object.values(tags).join(' ');
      const histogram = found.get(key) ?? { tags, buckets: [], below: 0, sum: 0, count: 0 };
      found.set(key, histogram);
      const added = this.#added(family, sample);
      if (le !== undefined) {
        const bound = le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le);
        histogram.buckets.push({ bound, count: added - histogram.below });
        histogram.below = added;
      } else if (sample.metricName?.endsWith('_sum') === true) histogram.sum = added;
      else histogram.count = added;
    }
    return [...found.values()].filter(({ count }) => count > 0);
  }
}

function measured(name: string, { tags, buckets, sum, count }: AddedHistogram): Measurement[] {
  const quantiles = Object.entries(QUANTILES).map(([part, share]): Measurement => ({
    name: `${name}.${part}`,
    type: 'gauge',
    value: quantile(buckets, share),
    tags,
  }));
  return [
    { name: `${name}.count`, type: 'count', value: count, tags },
    { name: `${name}.sum`, type: 'count', value: sum, tags },
    ...quantiles,
  ];
}
