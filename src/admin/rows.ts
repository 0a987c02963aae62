// How lists are ordered and cut. Pure. Promise: an answer has at most `limit` rows, whatever there
// is; rows that compare equal come in the order of their keys, so that a page follows a page.

import type { List } from './schemas.ts';

/** A part of a list. */
export interface Page {
  readonly limit: number;
  readonly offset: number;
}

/** Puts the worst first: `rank` gives numbers of falling weight, the higher the worse. */
export function worstFirst<Row>(
  rows: readonly Row[],
  rank: (row: Row) => readonly number[],
  key: (row: Row) => string,
): readonly Row[] {
  const ranked = rows.map((row) => ({ row, rank: rank(row) }));
  ranked.sort((one, other) => {
    for (const [i, weight] of one.rank.entries()) {
      const difference = (other.rank[i] ?? 0) - weight;
      if (difference !== 0) return difference;
    }
    return key(one.row) < key(other.row) ? -1 : 1;
  });
  return ranked.map(({ row }) => row);
}

export function page<Row>(rows: readonly Row[], { limit, offset }: Page): List<Row> {
  return { total: rows.length, rows: rows.slice(offset, offset + limit) };
}

/** Whether one of `texts` contains what is searched for, in upper or lower case. */
export function contains(texts: readonly string[], searched: string): boolean {
  const wanted = searched.toLowerCase();
  return wanted === '' || texts.some((text) => text.toLowerCase().includes(wanted));
}

/** Rounded to thousandths: what is finer is noise, and longer. */
export function milliFraction(value: number): number {
  return Math.round(value * 1000) / 1000;
}

/** From `since` to `now`, both monotonic ms, in seconds. */
export function secondsSince(since: number, now: number): number {
  return milliFraction(Math.max(0, now - since) / 1000);
}
