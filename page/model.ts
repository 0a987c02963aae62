// What the page knows: the last update, an hour of samples, and what the reader has chosen. Promise:
// memory is bounded, however long the page stays open.

import { signal } from '@preact/signals';
import type { History, List, Producer, State, Update, Worker } from '../src/admin/schemas.ts';

export const SAMPLES_MAX = 3600;
/** Over how many samples refusals are counted as "in the last minute". */
const MINUTE_SAMPLES = 60;

/** Shares of the limits in percent, by column: seconds since 1970, then one for each line. */
export type Series = [number[], number[], number[], number[], number[]];

export const LINES = ['Clients', 'Server connections', 'FETCHes', 'Waiting line'] as const;

export const state = signal<State | null>(null);
export const workers = signal<List<Worker>>({ total: 0, rows: [] });
export const producers = signal<List<Producer>>({ total: 0, rows: [] });
export const series = signal<Series>([[], [], [], [], []]);
export const refusedLastMinute = signal<Readonly<Record<string, number>>>({});
/** What is wrong with the connection to the bouncer; empty: nothing. */
export const trouble = signal('');
/** What the last action came to. */
export const notice = signal('');
export const filter = signal('');

const refusals: State['refused'][] = [];

/** The samples that the bouncer has kept from before the page was opened. */
export function remember({ samples }: History, { clients, ...limits }: State): void {
  const columns: Series = [[], [], [], [], []];
  for (const sample of samples) {
    columns[0].push(sample.at / 1000);
    columns[1].push(percent(sample.clients, clients.limit));
    columns[2].push(percent(sample.server_connections, limits.server_connections.limit));
    columns[3].push(percent(sample.fetches_in_flight, limits.fetches.limit));
    columns[4].push(percent(sample.waiting_line, limits.waiting_line.limit));
  }
  series.value = columns;
}

/** Takes over an update; lists only where no filter asks for others. */
export function take(update: Update): void {
  const { state: next } = update;
  noteSample(next);
  noteRefusals(next);
  state.value = next;
  if (filter.value !== '') return;
  workers.value = update.workers;
  producers.value = update.producers;
}

function noteSample(next: State): void {
  const values = [
    next.at / 1000,
    percent(next.clients.now, next.clients.limit),
    percent(next.server_connections.now, next.server_connections.limit),
    percent(next.fetches.now, next.fetches.limit),
    percent(next.waiting_line.now, next.waiting_line.limit),
  ];
  const columns = series.value;
  const last = columns[0].at(-1);
  // A clock that went back would cross the lines.
  if (last !== undefined && (values[0] ?? 0) <= last) return;
  series.value = columns.map((column, at) => {
    column.push(values[at] ?? 0);
    if (column.length > SAMPLES_MAX) column.shift();
    return column;
  }) as Series;
}

function noteRefusals({ refused }: State): void {
  refusals.push(refused);
  if (refusals.length > MINUTE_SAMPLES) refusals.shift();
  const before: Readonly<Record<string, number>> = refusals[0] ?? {};
  refusedLastMinute.value = Object.fromEntries(
    Object.entries(refused).map(([reason, times]) => [reason, times - (before[reason] ?? 0)]),
  );
}

function percent(now: number, limit: number): number {
  return limit === 0 ? 0 : Math.round((now / limit) * 1000) / 10;
}
