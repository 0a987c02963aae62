// What `top` shows of one update, as lines. Pure. Promise: no line is wider than the terminal or has
// a control character of a client's in it, and there are no more lines than it has rows.

import type { List, Producer, State, Update, Worker } from '../admin/schemas.ts';
import { bar, cell, count, duration, printable } from './cells.ts';

export const SORTS = ['worst', 'connections', 'commands', 'newest'] as const;
export type Sort = (typeof SORTS)[number];

export interface View {
  readonly sort: Sort;
  /** Rows that do not contain it are left out. */
  readonly filter: string;
  readonly columns: number;
  /** Infinity where all are wanted. */
  readonly rows: number;
}

/** How a line is told apart where there are colours. */
export type Tone = 'title' | 'plain' | 'warn' | 'bad' | 'head';

export interface Line {
  readonly tone: Tone;
  readonly text: string;
}

type Row = Worker | Producer;

/** The lines for `update`. */
export function screen(update: Update, view: View): readonly Line[] {
  const head = [...summary(update.state), line('plain', '')];
  const room = Math.max(0, view.rows - head.length - FRAME_LINES);
  const workers = chosen(update.workers, view);
  const producers = chosen(update.producers, view);
  // Workers have two thirds, and what the producers leave.
  const forProducers = Math.min(
    producers.length,
    Math.max(Math.floor(room / 3), room - workers.length),
  );
  const forWorkers = Math.min(workers.length, room - forProducers);
  return [
    ...head,
    ...section(
      'WORKERS',
      update.workers,
      workers.slice(0, forWorkers).map(workerLine),
      WORKER_HEAD,
    ),
    line('plain', ''),
    ...section(
      'PRODUCERS',
      update.producers,
      producers.slice(0, forProducers).map(producerLine),
      PRODUCER_HEAD,
    ),
  ]
    .slice(0, view.rows)
    .map(({ tone, text }) => line(tone, text.slice(0, view.columns).trimEnd()));
}

/** Titles, column heads and the empty line between the lists. */
const FRAME_LINES = 5;

function line(tone: Tone, text: string): Line {
  return { tone, text };
}

function summary(state: State): readonly Line[] {
  const { faktory, clients, server_connections: servers, fetches, waiting_line: waiting } = state;
  const doing = state.draining ? 'draining' : state.paused === true ? 'paused' : 'serving';
  const up = faktory.up ? 'up' : `down (${faktory.last_failure ?? 'not reached yet'})`;
  const refusals = Object.entries(state.refused).filter(([, times]) => times > 0);
  return [
    line('title', `faktory-bouncer ${state.version}  ${state.mode}  ${doing}  Faktory ${up}`),
    gauge('clients', clients, `unused ${count(clients.unused)}`),
    gauge('servers', servers, `kept for producers ${count(servers.producer_reserve)}`),
    gauge('FETCHes', fetches, `waiting ${count(fetches.waiting)}`),
    gauge(
      'waiting line',
      waiting,
      `oldest ${duration(waiting.oldest_seconds)}  producers ${count(waiting.producers)}  workers ${count(waiting.workers)}`,
    ),
    ...sharedLimit(state),
    line(
      state.writes.state === 'sound' ? 'plain' : 'bad',
      `writes ${state.writes.state}  held ${count(state.writes.held)}  stray jobs ${count(state.stray_jobs)}`,
    ),
    line(
      'plain',
      `refused ${refusals.map(([reason, times]) => `${reason} ${count(times)}`).join('  ') || 'none'}`,
    ),
  ];
}

/** Nothing where no limit is shared, and from a bouncer that is too old to tell. */
function sharedLimit({ shared_limit: shared }: State): readonly Line[] {
  if (shared === null || shared === undefined) return [];
  const { lender, state, leased, usable, all, trouble } = shared;
  const isOwn = lender === 'parent';
  const others =
    all === null
      ? `${isOwn ? 'parent process' : 'Redis'} out of reach${trouble === null ? '' : `: ${printable(trouble)}`}`
      : `of ${count(all.bouncers)} ${isOwn ? 'processes' : 'bouncers'}: leased ${count(all.leased)}  used ${count(all.used)}  outside ${count(all.outside)}  free ${all.free < 0 ? '-' : ''}${count(Math.abs(all.free))}`;
  return [
    line(
      toneOf(state),
      `shared limit  ${state}  leased ${count(leased)}  usable ${count(usable)}  ${others}`,
    ),
  ];
}

function toneOf(state: NonNullable<State['shared_limit']>['state']): Tone {
  switch (state) {
    case 'leased':
      return 'plain';
    case 'starting':
      return 'warn';
    case 'fallback':
      return 'bad';
  }
}

interface Gauge {
  readonly now: number;
  readonly peak: number;
  readonly limit: number;
}

function gauge(name: string, { now, peak, limit }: Gauge, more: string): Line {
  const share = limit === 0 ? 0 : now / limit;
  const tone: Tone = share >= 1 ? 'bad' : share >= 0.8 ? 'warn' : 'plain';
  const numbers = `${count(now).padStart(6)} of ${count(limit).padEnd(6)} peak ${count(peak).padEnd(6)}`;
  return line(tone, `${name.padEnd(13)}${bar(share, 20)} ${numbers} ${more}`);
}

function section(
  name: string,
  { total, rows }: List<Row>,
  shown: readonly Line[],
  head: string,
): readonly Line[] {
  const left = total - shown.length;
  const more = left > 0 ? `  ${count(left)} not shown` : '';
  return [
    line('title', `${name} ${count(total)}${more}`),
    line('head', rows.length > 0 ? head : ''),
    ...shown,
  ];
}

function chosen<R extends Row>({ rows }: List<R>, { sort, filter }: View): readonly R[] {
  const wanted = filter.toLowerCase();
  const found = rows.filter((row) => textOf(row).toLowerCase().includes(wanted));
  // The bouncer has put the worst first.
  return sort === 'worst'
    ? found
    : found.toSorted((one, other) => rank(other, sort) - rank(one, sort));
}

function rank(row: Row, sort: Exclude<Sort, 'worst'>): number {
  switch (sort) {
    case 'connections':
      return row.connections;
    case 'commands':
      return row.commands;
    case 'newest':
      return -row.connected_seconds;
  }
}

function textOf(row: Row): string {
  return 'wid' in row ? [row.wid, row.host, row.address, ...row.labels].join(' ') : row.address;
}

const WORKER_HEAD = `${cell('ID', 18)}${cell('NAME', 20)}${cell('PID', 8)}${cell('CONNECTIONS', 12)}${cell('WAITING', 14)}${cell('FETCHES', 12)}${cell('COMMANDS', 10)}${cell('STARTED', 9)}LABELS`;
const PRODUCER_HEAD = `${cell('ADDRESS', 38)}${cell('', 8)}${cell('CONNECTIONS', 12)}${cell('WAITING', 14)}${cell('OUTSTANDING', 12)}${cell('COMMANDS', 10)}STARTED`;

function workerLine(row: Worker): Line {
  const fetches = `${count(row.fetches_in_flight)}+${count(row.fetches_waiting)}`;
  return line(
    row.waiting > 0 ? 'warn' : 'plain',
    [
      cell(row.wid, 18),
      cell(row.host, 20),
      cell(String(row.pid), 8),
      cell(count(row.connections), 12),
      cell(waitingText(row), 14),
      cell(fetches, 12),
      cell(count(row.commands), 10),
      cell(duration(row.connected_seconds), 9),
      printable(row.labels.join(',')),
    ].join(''),
  );
}

function producerLine(row: Producer): Line {
  return line(
    row.waiting > 0 ? 'warn' : 'plain',
    [
      cell(row.address, 46),
      cell(count(row.connections), 12),
      cell(waitingText(row), 14),
      cell(count(row.outstanding), 12),
      cell(count(row.commands), 10),
      duration(row.connected_seconds),
    ].join(''),
  );
}

function waitingText(row: Row): string {
  return row.waiting === 0 ? '0' : `${count(row.waiting)} (${duration(row.oldest_wait_seconds)})`;
}
