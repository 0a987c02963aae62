// What the bouncer is to reach, as figures of the run. Promise: pure; a goal whose figures were not
// measured is open, not missed.

import type { Figures, Metric, Yardstick } from './figures.ts';
import type { FrontName, LoadName } from './loads.ts';

export interface Goal {
  readonly text: string;
  readonly bound: 'at least' | 'at most';
  readonly limit: number;
  readonly unit: 'x' | 'kB' | 'MB';
  /** The median, null where it was not measured. */
  readonly value: (figures: Figures) => number | null;
}

export type Verdict = 'reached' | 'missed' | 'open';

function ratio(load: LoadName, front: FrontName, metric: Metric, to: Yardstick) {
  return (figures: Figures) => figures.ratio(load, front, metric, to)?.median ?? null;
}

/** One front's figure as so many times another's, on the medians. */
function against(load: LoadName, front: FrontName, other: FrontName, metric: Metric) {
  return (figures: Figures) =>
    quotient(figures.median(load, front, metric), figures.median(load, other, metric));
}

/** What the front adds to the way of one command, as so many times what HAProxy adds. */
function addedLatency(front: FrontName) {
  return (figures: Figures) => {
    const [own, haproxy, direct] = ([front, 'haproxy', 'direct'] as const).map((name) =>
      figures.median('push-1', name, 'p50Ms'),
    );
    if (own == null || haproxy == null || direct == null) return null;
    return quotient(own - direct, haproxy - direct);
  };
}

function bytes(metric: Metric, per: number) {
  return (figures: Figures) => quotient(figures.median('idle-10000', 'pooled', metric), per);
}

const PUSHING = [
  ['push-200', '200 pushing clients'],
  ['push-2000', '2000 pushing clients'],
] as const;

export const GOALS: readonly Goal[] = [
  ...PUSHING.flatMap(([load, text]): readonly Goal[] => [
    {
      text: `pooled, ${text}: throughput against direct`,
      bound: 'at least',
      limit: 1.25,
      unit: 'x',
      value: ratio(load, 'pooled', 'jobsPerSecond', 'direct'),
    },
    {
      text: `pooled, ${text}: throughput against the better of HAProxy and nginx`,
      bound: 'at least',
      limit: 1.6,
      unit: 'x',
      value: ratio(load, 'pooled', 'jobsPerSecond', 'peer'),
    },
    {
      text: `pooled, ${text}: CPU per command against the better of HAProxy and nginx`,
      bound: 'at most',
      limit: 0.6,
      unit: 'x',
      value: ratio(load, 'pooled', 'proxyMicros', 'peer'),
    },
  ]),
  {
    text: 'pooled, full cycle with 4000 consumers against direct with 800',
    bound: 'at least',
    limit: 1,
    unit: 'x',
    value: ratio('cycle-4000', 'pooled', 'jobsPerSecond', 'direct'),
  },
  ...(['drain-20', 'drain-1'] as const).map((load): Goal => ({
    text: `pooled, ${load === 'drain-1' ? 'one client alone' : 'one worker with 20 clients'} drains a queue: jobs per second against direct`,
    bound: 'at least',
    limit: 0.9,
    unit: 'x',
    value: ratio(load, 'pooled', 'jobsPerSecond', 'direct'),
  })),
  {
    text: 'session, 200 pushing clients: throughput against HAProxy',
    bound: 'at least',
    limit: 0.95,
    unit: 'x',
    value: against('push-200', 'session', 'haproxy', 'jobsPerSecond'),
  },
  ...(['session', 'pooled'] as const).map((front): Goal => ({
    text: `${front}, 1 client: p50 added to direct, against what HAProxy adds`,
    bound: 'at most',
    limit: 1.25,
    unit: 'x',
    value: addedLatency(front),
  })),
  {
    text: 'pooled, 10000 idle clients: process memory (RSS) in all',
    bound: 'at most',
    limit: 150,
    unit: 'MB',
    value: bytes('fullRssBytes', 1e6),
  },
  {
    text: 'pooled, 10000 idle clients: process memory (RSS) for each',
    bound: 'at most',
    limit: 8,
    unit: 'kB',
    value: bytes('rssPerClientBytes', 1e3),
  },
  {
    text: 'pooled, storm of 2000 connects: speed against HAProxy',
    bound: 'at least',
    limit: 1,
    unit: 'x',
    value: against('storm-2000', 'pooled', 'haproxy', 'connectsPerSecond'),
  },
  ...(['session', 'pooled'] as const).map((front): Goal => ({
    text: `${front}, 1 MB payloads: bytes per second against HAProxy`,
    bound: 'at least',
    limit: 0.9,
    unit: 'x',
    value: against('payload-1MB', front, 'haproxy', 'bytesPerSecond'),
  })),
];

export function verdict(goal: Goal, value: number | null): Verdict {
  if (value === null) return 'open';
  const isReached = goal.bound === 'at least' ? value >= goal.limit : value <= goal.limit;
  return isReached ? 'reached' : 'missed';
}

function quotient(part: number | null, whole: number | null): number | null {
  return part === null || whole === null || whole === 0 ? null : part / whole;
}
