// The results as Markdown. Promise: pure; every cell is the median of the rounds with the least and
// the most beside it, and says so.

import { markdownTable } from '../markdown-table.ts';
import type { Figures, Metric, Spread } from './figures.ts';
import { GOALS, verdict } from './goals.ts';
import { describeLoad, loadFor, loadOf, SESSION_SERVER_CONNECTIONS } from './loads.ts';
import type { FrontName, Load, LoadName } from './loads.ts';
import { figure, spreadText, unitOf } from './texts.ts';

export interface Run {
  readonly machine: string;
  readonly versions: string;
  readonly rounds: number;
  readonly seconds: number;
  readonly loads: readonly LoadName[];
  readonly fronts: readonly FrontName[];
  /** What was asked for and is not there. */
  readonly missing: readonly string[];
}

interface Column {
  readonly title: string;
  readonly metric: Metric;
  readonly as: 'value' | 'direct' | 'peer';
}

const COST: readonly Column[] = [
  { title: 'proxy CPU', metric: 'proxyMicros', as: 'value' },
  { title: '× peer', metric: 'proxyMicros', as: 'peer' },
  { title: 'Faktory CPU', metric: 'faktoryMicros', as: 'value' },
  { title: 'Redis CPU', metric: 'redisMicros', as: 'value' },
  { title: 'generator CPU', metric: 'generatorMicros', as: 'value' },
  { title: 'of a core', metric: 'generatorShare', as: 'value' },
  { title: 'others', metric: 'othersShare', as: 'value' },
];

const WORK: readonly Column[] = [
  { title: 'jobs/s', metric: 'jobsPerSecond', as: 'value' },
  { title: '× direct', metric: 'jobsPerSecond', as: 'direct' },
  { title: '× peer', metric: 'jobsPerSecond', as: 'peer' },
  { title: 'p50', metric: 'p50Ms', as: 'value' },
  { title: 'p99', metric: 'p99Ms', as: 'value' },
  { title: 'p99.9', metric: 'p999Ms', as: 'value' },
];

const STORM: readonly Column[] = [
  { title: 'connects/s', metric: 'connectsPerSecond', as: 'value' },
  { title: '× direct', metric: 'connectsPerSecond', as: 'direct' },
  { title: '× peer', metric: 'connectsPerSecond', as: 'peer' },
];

const MEMORY: readonly Column[] = [
  { title: 'clients', metric: 'clients', as: 'value' },
  { title: 'empty, RSS', metric: 'emptyRssBytes', as: 'value' },
  { title: 'empty, PSS', metric: 'emptyPssBytes', as: 'value' },
  { title: 'full, RSS', metric: 'fullRssBytes', as: 'value' },
  { title: 'full, PSS', metric: 'fullPssBytes', as: 'value' },
  { title: 'per 1000, RSS', metric: 'rssPerClientBytes', as: 'value' },
  { title: '× peer', metric: 'rssPerClientBytes', as: 'peer' },
  { title: 'per 1000, PSS', metric: 'pssPerClientBytes', as: 'value' },
];

export function report(run: Run, figures: Figures): string {
  const parts = [`# Side by side\n`, head(run), goalsTable(figures)];
  for (const load of run.loads) {
    parts.push(`## ${load}\n`, `${describeLoad(loadOf(load))}.\n`, loadTable(load, run, figures));
    parts.push(...notes(load, run, figures));
  }
  return parts.join('\n');
}

export function loadTable(load: LoadName, run: Run, figures: Figures): string {
  const columns = columnsFor(loadOf(load));
  const rows = run.fronts.map((front) => [
    frontText(load, front),
    ...columns.map((column) => cell(load, front, column, figures)),
  ]);
  return markdownTable(['front', ...columns.map(({ title }) => title)], rows);
}

function head(run: Run): string {
  const missing = run.missing.map((text) => `- ${text}\n`).join('');
  return `${run.machine}. ${run.versions}.

${run.rounds} rounds of ${run.seconds} s for each load and front, in turns: all fronts have their turn
in a round before the next begins. Every figure is the median of the rounds, with the least and the
most of them in brackets.

- × direct, × peer: the figure as so many times that of nothing in between, and of the better of
  HAProxy and nginx, within the same round.
- CPU: user and system time for each command (for each connection in a storm), from
  /proc/PID/stat. "of a core": the load generator's own share, which is a process of its own.
- others: what processes outside the benchmark, and the kernel on nobody's account, took of the
  whole machine; where that is much, the figures are not worth much.
- p50, p99, p99.9: from sending PUSH to \`+OK\`; in a full cycle from sending PUSH to the \`+OK\` of ACK,
  in a drain from sending FETCH to that.
- session: limits.server_connections is ${SESSION_SERVER_CONNECTIONS}, so that nobody is refused; all else, and pooled
  entirely, as it comes.
- idle: haproxy and nginx with 9800, session with 4800 clients at most, for they need two open files
  for each client, and session a server connection. Each on a proxy of its own, without other loads.
- Before its first round of a load each front gets that load for 2 s that do not count.
- Faktory's Redis writes no snapshots during the run; each measurement begins with an empty Faktory.
${missing}`;
}

function goalsTable(figures: Figures): string {
  const rows = GOALS.map((goal) => {
    const value = goal.value(figures);
    const aim = `${goal.bound} ${goal.limit} ${goal.unit}`;
    const measured = value === null ? '' : `${figure(value)} ${goal.unit}`;
    return [goal.text, aim, measured, verdict(goal, value)];
  }).filter(([, , measured]) => measured !== '');
  if (rows.length === 0) return '';
  return `## Goals\n\n${markdownTable(['goal', 'aim', 'median', ''], rows)}`;
}

function columnsFor(load: Load): readonly Column[] {
  switch (load.kind) {
    case 'push':
      if (load.payloadBytes < 10_000) return [...WORK, ...COST];
      return [...WORK, { title: 'bytes/s', metric: 'bytesPerSecond', as: 'value' }, ...COST];
    case 'cycle':
    case 'drain':
      return [...WORK, ...COST];
    case 'storm':
      return [...STORM, ...COST];
    case 'idle':
      return MEMORY;
  }
}

function cell(load: LoadName, front: FrontName, column: Column, figures: Figures): string {
  if (!figures.has(load, front)) return 'n/a';
  if (column.as === 'value') {
    const spread = figures.spread(load, front, column.metric);
    // A memory per client reads as kB per client and MB per 1000 alike.
    const perThousand = column.metric.endsWith('PerClientBytes') ? 1000 : 1;
    return spreadText(scaled(spread, perThousand), unitOf(column.metric));
  }
  return spreadText(figures.ratio(load, front, column.metric, column.as), 'ratio');
}

function scaled(spread: Spread | null, by: number): Spread | null {
  if (spread === null) return null;
  return { min: spread.min * by, median: spread.median * by, max: spread.max * by };
}

/** The front, with its consumers where it does not get all of them. */
function frontText(name: LoadName, front: FrontName): string {
  const all = loadOf(name);
  const own = loadFor(name, front);
  if (all.kind !== 'cycle' || own?.kind !== 'cycle' || own.consumers === all.consumers)
    return front;
  return `${front}, ${own.consumers} consumers`;
}

function notes(load: LoadName, run: Run, figures: Figures): readonly string[] {
  const lines = run.fronts.flatMap((front) =>
    figures.notes(load, front).map((note) => `- ${front}: ${note}\n`),
  );
  return lines.length === 0 ? [] : [lines.join('')];
}
