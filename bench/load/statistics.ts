// Figures from many measurements. Promise: pure; a percentile is always one of the measured values
// (nearest rank), never one between two of them, and none of nothing is null.

/** The value that `share` (0 to 1) of all values do not exceed; a failure may be Infinity. */
export function percentile(values: readonly number[], share: number): number | null {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  const rank = Math.ceil(Math.min(Math.max(share, 0), 1) * sorted.length);
  return sorted[Math.max(rank, 1) - 1] ?? null;
}

/** The middle and the slow end of a set of durations. */
export interface Percentiles {
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
}

export function percentiles(durationsMs: readonly number[]): Percentiles {
  return { p50Ms: percentile(durationsMs, 0.5), p99Ms: percentile(durationsMs, 0.99) };
}

/** A duration for people: `1.2 ms`, `102 ms`, `3.9 s`; `none` without one, `fails` for Infinity. */
export function durationText(ms: number | null): string {
  if (ms === null) return 'none';
  if (!Number.isFinite(ms)) return 'fails';
  if (ms < 9.95) return `${ms.toFixed(1)} ms`;
  if (ms < 999.5) return `${ms.toFixed(0)} ms`;
  return `${(ms / 1000).toFixed(1)} s`;
}

/** A part with its share of the whole: `80 (50 %)`; the share is left out when it says nothing. */
export function shareText(part: number, whole: number): string {
  if (part === 0 || whole <= 0) return String(part);
  const percent = (part / whole) * 100;
  return `${part} (${percent < 9.95 ? percent.toFixed(1) : percent.toFixed(0)} %)`;
}
