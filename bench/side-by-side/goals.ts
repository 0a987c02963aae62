// What the bouncer is to reach, as figures of the run. Promise: pure; a goal whose figures were not
// measured is open, not missed.

import type { FigureName, Figures, Yardstick } from '../harness/figures.ts';
import { markdownTable } from '../harness/markdown-table.ts';
import { figure } from '../harness/texts.ts';
import type { LoadName } from './loads.ts';

export interface Goal {
  readonly text: string;
  readonly bound: 'at least' | 'at most';
  readonly limit: number;
  readonly unit: 'x' | 'kB' | 'MB';
  /** The median, null where it was not measured. */
  readonly value: (figures: Figures) => number | null;
}

export type Verdict = 'reached' | 'missed' | 'open';

function at(group: LoadName, front: string) {
  return { group, caseText: '', front };
}

function ratio(load: LoadName, name: FigureName, to: Yardstick, front = 'pooled') {
  return (figures: Figures) => figures.ratio(at(load, front), name, to)?.median ?? null;
}

/** One front's figure as so many times HAProxy's, on the medians. */
function againstHaproxy(load: LoadName, front: string, name: FigureName) {
  return (figures: Figures) =>
    quotient(figures.median(at(load, front), name), figures.median(at(load, 'haproxy'), name));
}

/** What the front adds to the way of one command, as so many times what HAProxy adds. */
function addedLatency(front: string) {
  return (figures: Figures) => {
    const [own, haproxy, direct] = [front, 'haproxy', 'direct'].map((name) =>
      figures.median(at('push-1', name), 'p50Ms'),
    );
    if (own == null || haproxy == null || direct == null) return null;
    return quotient(own - direct, haproxy - direct);
  };
}

function memory(name: FigureName) {
  return (figures: Figures) => quotient(figures.median(at('idle-10000', 'pooled'), name), 1e6);
}

function atLeast(limit: number, text: string, value: Goal['value']): Goal {
  return { text, bound: 'at least', limit, unit: 'x', value };
}

function atMost(limit: number, text: string, value: Goal['value'], unit: Goal['unit'] = 'x'): Goal {
  return { text, bound: 'at most', limit, unit, value };
}

export const GOALS: readonly Goal[] = [
  ...(['push-200', 'push-2000'] as const).flatMap((load) => {
    const who = `pooled, ${load === 'push-200' ? 200 : 2000} pushing clients`;
    const peers = 'against the better of HAProxy and nginx';
    return [
      atLeast(1.25, `${who}: throughput against direct`, ratio(load, 'jobsPerSecond', 'direct')),
      atLeast(1.6, `${who}: throughput ${peers}`, ratio(load, 'jobsPerSecond', 'peer')),
      atMost(0.6, `${who}: CPU per command ${peers}`, ratio(load, 'proxyMicros', 'peer')),
    ];
  }),
  atLeast(
    1,
    'pooled, full cycle with 4000 consumers against direct with 800',
    ratio('cycle-4000', 'jobsPerSecond', 'direct'),
  ),
  ...(['drain-20', 'drain-1'] as const).map((load) => {
    const who = load === 'drain-1' ? 'one client alone' : 'one worker with 20 clients';
    const text = `pooled, ${who} drains a queue: jobs per second against direct`;
    return atLeast(0.9, text, ratio(load, 'jobsPerSecond', 'direct'));
  }),
  atLeast(
    0.95,
    'session, 200 pushing clients: throughput against HAProxy',
    againstHaproxy('push-200', 'session', 'jobsPerSecond'),
  ),
  ...['session', 'pooled'].map((front) => {
    const text = `${front}, 1 client: p50 added to direct, against what HAProxy adds`;
    return atMost(1.25, text, addedLatency(front));
  }),
  atMost(
    150,
    'pooled, 10000 idle clients: process memory (RSS) in all',
    memory('fullRssBytes'),
    'MB',
  ),
  // MB for 1000 clients are kB for each.
  atMost(
    8,
    'pooled, 10000 idle clients: process memory (RSS) for each',
    memory('rssPer1000Bytes'),
    'kB',
  ),
  atLeast(
    1,
    'pooled, storm of 2000 connects: speed against HAProxy',
    againstHaproxy('storm-2000', 'pooled', 'connectsPerSecond'),
  ),
  ...['session', 'pooled'].map((front) => {
    const text = `${front}, 1 MB payloads: bytes per second against HAProxy`;
    return atLeast(0.9, text, againstHaproxy('payload-1MB', front, 'bytesPerSecond'));
  }),
];

export function verdict(goal: Goal, value: number | null): Verdict {
  if (value === null) return 'open';
  const isReached = goal.bound === 'at least' ? value >= goal.limit : value <= goal.limit;
  return isReached ? 'reached' : 'missed';
}

/** The goals that were measured; empty when none was. */
export function goalsText(figures: Figures): string {
  const rows = GOALS.flatMap((goal) => {
    const value = goal.value(figures);
    if (value === null) return [];
    const { text, bound, limit, unit } = goal;
    return [[text, `${bound} ${limit} ${unit}`, `${figure(value)} ${unit}`, verdict(goal, value)]];
  });
  if (rows.length === 0) return '';
  return `## Goals\n\n${markdownTable(['goal', 'aim', 'median', ''], rows)}`;
}

function quotient(part: number | null, whole: number | null): number | null {
  return part === null || whole === null || whole === 0 ? null : part / whole;
}
