// A metric family as a value: its name, its help, and how it is read. Promise: reading one is pure
// over counts and snapshot, and every family carries the product's prefix, base units, and label
// values from closed sets only. Writing the exposition text is left to prometheus.ts.

import type { CountBy, Histogram, HistogramBy } from '../../base/counters.ts';
import type { Counts } from '../counts.ts';
import type { Snapshot } from '../snapshot.ts';

export const METRIC_PREFIX = 'faktory_bouncer_';

/** What one scrape reads: both halves belong to the same instant. */
export interface Source {
  readonly counts: Counts;
  readonly snapshot: Snapshot;
}

export interface Sample {
  /** For a histogram's `_bucket`, `_sum` and `_count`; the family's own name when absent. */
  readonly metricName?: string;
  readonly labels: Record<string, string>;
  readonly value: number;
}

export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  /** Of a counter that another program keeps: what it says first has happened before our time. */
  readonly isForeign?: true;
  read(source: Source): readonly Sample[];
}

/** A number that is not known yet is null, and then there is no sample: absent is not 0. */
type MaybeNumber = number | null;

/** A gauge without labels. */
export function gauge(name: string, help: string, read: (s: Source) => MaybeNumber): Family {
  return { name: METRIC_PREFIX + name, help, type: 'gauge', read: (s) => single(read(s)) };
}

/** A gauge whose labels are made by `read`, from closed sets only. */
export function labelledGauge(name: string, help: string, read: (s: Source) => Sample[]): Family {
  return { name: METRIC_PREFIX + name, help, type: 'gauge', read };
}

/** A counter without labels; `name` ends in `_total`. */
export function counter(name: string, help: string, read: (s: Source) => MaybeNumber): Family {
  return { name: METRIC_PREFIX + name, help, type: 'counter', read: (s) => single(read(s)) };
}

/** A counter with one label; `name` ends in `_total`. */
export function counterBy<Label extends string>(
  name: string,
  help: string,
  label: string,
  read: (counts: Counts) => CountBy<Label>,
): Family {
  return {
    name: METRIC_PREFIX + name,
    help,
    type: 'counter',
    read: ({ counts }) => byLabel(label, read(counts).values),
  };
}

/** A histogram with one label; `name` ends in `_seconds`. */
export function histogramBy<Label extends string>(
  name: string,
  help: string,
  label: string,
  read: (counts: Counts) => HistogramBy<Label>,
): Family {
  const fullName = METRIC_PREFIX + name;
  return {
    name: fullName,
    help,
    type: 'histogram',
    read: ({ counts }) =>
      Object.entries<Histogram>(read(counts).values).flatMap(([value, histogram]) =>
        histogramSamples(fullName, { [label]: value }, histogram),
      ),
  };
}

/** One sample for each entry of a record over a closed set. */
export function byLabel(label: string, values: Record<string, number>): Sample[] {
  return Object.entries(values).map(([name, value]) => ({ labels: { [label]: name }, value }));
}

/** Observations so far. */
export function observations(histogram: Histogram): number {
  return histogram.bucketCounts.reduce((sum, count) => sum + count, 0);
}

function single(value: MaybeNumber): Sample[] {
  return value === null || Number.isNaN(value) ? [] : [{ labels: {}, value }];
}

/** Buckets as Prometheus wants them: each holds all that the smaller ones hold. */
export function histogramSamples(
  name: string,
  labels: Record<string, string>,
  histogram: Histogram,
): Sample[] {
  const samples: Sample[] = [];
  let below = 0;
  histogram.bucketCounts.forEach((count, index) => {
    below += count;
    const bound = histogram.boundsSeconds[index];
    const le = bound === undefined ? '+Inf' : String(bound);
    samples.push({ metricName: `${name}_bucket`, labels: { ...labels, le }, value: below });
  });
  samples.push({ metricName: `${name}_sum`, labels, value: histogram.sumSeconds });
  samples.push({ metricName: `${name}_count`, labels, value: below });
  return samples;
}
