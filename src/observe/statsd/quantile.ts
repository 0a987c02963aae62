// A quantile from the buckets of a histogram, as Prometheus's histogram_quantile() reads it. Pure.

export interface AddedBucket {
  /** The largest value in it; Infinity for the last one. */
  readonly bound: number;
  /** Observations in this bucket alone. */
  readonly count: number;
}

/** The value below which `share` (0 to 1) of the observations are; the last finite bound at most. */
export function quantile(buckets: readonly AddedBucket[], share: number): number {
  const total = buckets.reduce((sum, { count }) => sum + count, 0);
  const rank = total * share;
  let below = 0;
  let lower = 0;
  for (const { bound, count } of buckets) {
    if (!Number.isFinite(bound)) return lower;
    if (count > 0 && below + count >= rank)
      return lower + ((bound - lower) * (rank - below)) / count;
    below += count;
    lower = bound;
  }
  return lower;
}
