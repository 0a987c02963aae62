// Figures for people. Promise: pure; three digits that count, and a unit that fits.

import { FIGURES } from './figures.ts';
import type { FigureName, Outcome, Spread, Unit } from './figures.ts';

/** `20100 (19800–20400)`, with a unit once; nothing where nothing was measured. */
export function spreadText(spread: Spread | null, unit: Unit | 'ratio'): string {
  if (spread === null) return '';
  if (!Number.isFinite(spread.median)) return 'fails';
  const { divisor, suffix } = scaleOf(unit, spread.median);
  const isWhole = unit === 'count' || unit === 'share';
  const text = (value: number): string => {
    if (unit === 'ratio') return value.toFixed(2);
    return isWhole ? value.toFixed(0) : figure(value / divisor);
  };
  const shown = (value: number): string => text(unit === 'share' ? value * 100 : value);
  const middle = `${shown(spread.median)}${suffix}`;
  if (spread.min === spread.max) return middle;
  return `${middle} (${shown(spread.min)}–${shown(spread.max)})`;
}

/** Three digits that count. */
export function figure(value: number): string {
  const size = Math.abs(value);
  if (size >= 99.95) return value.toFixed(0);
  return value.toFixed(size >= 9.995 ? 1 : 2);
}

/** A part with its share of the whole: `80 (50 %)`; the share is left out when it says nothing. */
export function shareText(part: number, whole: number): string {
  if (part === 0 || whole <= 0) return String(part);
  const percent = (part / whole) * 100;
  return `${part} (${percent < 9.95 ? percent.toFixed(1) : percent.toFixed(0)} %)`;
}

function scaleOf(
  unit: Unit | 'ratio',
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
      if (median >= 1000) return { divisor: 1000, suffix: ' s' };
      return median < 1 ? { divisor: 1e-3, suffix: ' µs' } : { divisor: 1, suffix: ' ms' };
    case 'share':
      return { divisor: 1, suffix: ' %' };
    case 'times':
    case 'count':
    case 'ratio':
      return { divisor: 1, suffix: '' };
  }
}

/** One measurement in a line: the figures that are asked for, and what went wrong. */
export function outcomeText(outcome: Outcome, figures: readonly FigureName[]): string {
  const parts = figures.flatMap((name) => {
    const text = cellText(outcome, name);
    return text === '' ? [] : [`${FIGURES[name].title} ${text}`];
  });
  return [...parts, ...outcome.notes].join(', ');
}

function cellText({ values, texts }: Outcome, name: FigureName): string {
  const value = values[name];
  if (texts?.[name] !== undefined) return texts[name];
  if (value === undefined) return '';
  return spreadText({ min: value, median: value, max: value }, FIGURES[name].unit);
}
