// Figures for people. Promise: pure; three digits that count, and a unit that fits.

import type { Measurement, Metric, Spread } from './figures.ts';

export type Unit = 'rate' | 'bytesRate' | 'ms' | 'micros' | 'share' | 'bytes' | 'count' | 'ratio';

export function unitOf(metric: Metric): Unit {
  switch (metric) {
    case 'jobsPerSecond':
    case 'connectsPerSecond':
      return 'rate';
    case 'bytesPerSecond':
      return 'bytesRate';
    case 'p50Ms':
    case 'p99Ms':
    case 'p999Ms':
      return 'ms';
    case 'proxyMicros':
    case 'faktoryMicros':
    case 'redisMicros':
    case 'generatorMicros':
      return 'micros';
    case 'generatorShare':
    case 'othersShare':
      return 'share';
    case 'emptyRssBytes':
    case 'emptyPssBytes':
    case 'fullRssBytes':
    case 'fullPssBytes':
    case 'rssPerClientBytes':
    case 'pssPerClientBytes':
      return 'bytes';
    case 'clients':
      return 'count';
  }
}

/** `20100 (19800–20400)`, with a unit once; nothing where nothing was measured. */
export function spreadText(spread: Spread | null, unit: Unit): string {
  if (spread === null) return '';
  const { divisor, suffix } = scaleOf(unit, spread.median);
  const text = (value: number): string => numberText(value / divisor, unit);
  const middle = `${text(spread.median)}${suffix}`;
  return spread.min === spread.max ? middle : `${middle} (${text(spread.min)}–${text(spread.max)})`;
}

/** Three digits that count. */
export function figure(value: number): string {
  const size = Math.abs(value);
  if (size >= 99.95) return value.toFixed(0);
  return value.toFixed(size >= 9.995 ? 1 : 2);
}

function numberText(value: number, unit: Unit): string {
  switch (unit) {
    case 'rate':
    case 'count':
    case 'share':
      return value.toFixed(0);
    case 'ratio':
      return value.toFixed(2);
    case 'ms':
    case 'micros':
    case 'bytes':
    case 'bytesRate':
      return figure(value);
  }
}

function scaleOf(
  unit: Unit,
  median: number,
): { readonly divisor: number; readonly suffix: string } {
  switch (unit) {
    case 'bytes':
      return { divisor: 1e6, suffix: ' MB' };
    case 'bytesRate':
      return { divisor: 1e6, suffix: ' MB/s' };
    case 'micros':
      return { divisor: 1, suffix: ' µs' };
    case 'ms':
      return median < 1 ? { divisor: 1e-3, suffix: ' µs' } : { divisor: 1, suffix: ' ms' };
    case 'share':
      return { divisor: 0.01, suffix: ' %' };
    case 'rate':
    case 'count':
    case 'ratio':
      return { divisor: 1, suffix: '' };
  }
}

/** One measurement in a few words. */
export function progressText(measurement: Measurement): string {
  const { values, notes } = measurement;
  const parts = SAID.flatMap(({ metric, after }) => {
    const value = values[metric];
    if (value === undefined) return [];
    const text = spreadText({ min: value, median: value, max: value }, unitOf(metric));
    return [`${text} ${after}`.trim()];
  });
  return [...parts, ...notes].join(', ');
}

const SAID: readonly { readonly metric: Metric; readonly after: string }[] = [
  { metric: 'jobsPerSecond', after: 'jobs/s' },
  { metric: 'connectsPerSecond', after: 'connects/s' },
  { metric: 'p50Ms', after: 'p50' },
  { metric: 'proxyMicros', after: 'CPU each' },
  { metric: 'clients', after: 'clients' },
  { metric: 'fullRssBytes', after: 'RSS' },
  { metric: 'generatorShare', after: 'generator' },
  { metric: 'othersShare', after: 'of the machine to others' },
];
