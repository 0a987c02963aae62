// Plain numbers that the rooms write to. Promise: writing one is a memory write, never a library
// call; every label comes from a closed set. Reading them out is left to the exporters.

/** 100 µs to 10 s: below lies the loopback, above every client has given up. */
export const LATENCY_BOUNDS_SECONDS = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

/** A monotonic count for each member of a closed set of labels. */
export class CountBy<Label extends string> {
  readonly values: Record<Label, number>;

  constructor(labels: readonly Label[]) {
    this.values = Object.fromEntries(labels.map((label) => [label, 0])) as Record<Label, number>;
  }

  add(label: Label, by = 1): void {
    this.values[label] += by;
  }
}

/** A histogram with fixed upper bounds in seconds, as Prometheus counts them (the last is +Inf). */
export class Histogram {
  readonly boundsSeconds: readonly number[];
  /** Observations per bucket, not cumulative; one more than there are bounds. */
  readonly bucketCounts: Float64Array;
  sumSeconds = 0;

  constructor(boundsSeconds: readonly number[]) {
    this.boundsSeconds = boundsSeconds;
    this.bucketCounts = new Float64Array(boundsSeconds.length + 1);
  }

  observeMs(ms: number): void {
    const seconds = ms / 1000;
    const bounds = this.boundsSeconds;
    let index = 0;
    while (index < bounds.length && seconds > (bounds[index] as number)) index += 1;
    this.bucketCounts[index] = (this.bucketCounts[index] as number) + 1;
    this.sumSeconds += seconds;
  }

  /** Adds the observations of another one with the same bounds. */
  add({ bucketCounts, sumSeconds }: HistogramFigures): void {
    for (const [index, count] of bucketCounts.entries()) {
      this.bucketCounts[index] = (this.bucketCounts[index] ?? 0) + count;
    }
    this.sumSeconds += sumSeconds;
  }
}

/** What a histogram holds. */
export type HistogramFigures = Pick<Histogram, 'bucketCounts' | 'sumSeconds'>;

/** One histogram for each member of a closed set of labels, all with the same bounds. */
export class HistogramBy<Label extends string> {
  readonly values: Record<Label, Histogram>;

  constructor(labels: readonly Label[], boundsSeconds: readonly number[]) {
    this.values = Object.fromEntries(
      labels.map((label) => [label, new Histogram(boundsSeconds)]),
    ) as Record<Label, Histogram>;
  }

  observeMs(label: Label, ms: number): void {
    this.values[label].observeMs(ms);
  }
}
