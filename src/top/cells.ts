// Texts and numbers in columns. Pure. Promise: what a client chose cannot move the cursor, change a
// colour or be wider than it counts.

/** Everything except printable ASCII becomes `?`. */
export function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/gu, '?');
}

/** `text` in a column of `width`, of which one is a space. */
export function cell(text: string, width: number): string {
  const shown = printable(text);
  const cut = shown.length < width ? shown : `${shown.slice(0, width - 2)}~`;
  return cut.padEnd(width);
}

/** 1234567 as 1.23M. */
export function count(value: number): string {
  if (value < 100_000) return String(value);
  if (value < 1_000_000) return `${Math.floor(value / 1000)}k`;
  if (value < 1_000_000_000) return `${(value / 1_000_000).toFixed(2)}M`;
  return `${(value / 1_000_000_000).toFixed(2)}G`;
}

/** 0.25 s, 42 s, 5m03, 2h07, 3d04. */
export function duration(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(seconds === 0 ? 0 : 2)} s`;
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return pair(minutes, 'm', Math.floor(seconds % 60));
  const hours = Math.floor(minutes / 60);
  return hours < 24
    ? pair(hours, 'h', minutes % 60)
    : pair(Math.floor(hours / 24), 'd', hours % 24);
}

function pair(large: number, unit: string, small: number): string {
  return `${large}${unit}${String(small).padStart(2, '0')}`;
}

/** A bar of `width`, filled by `share` of 1. */
export function bar(share: number, width: number): string {
  const filled = Math.min(width, Math.ceil(share * width));
  return `[${'#'.repeat(filled)}${'.'.repeat(width - filled)}]`;
}
