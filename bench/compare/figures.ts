// What was measured, and how the fronts compare. Promise: pure; a ratio is taken within one round, so
// that a machine that was slow for a while was slow for both; what was not measured is null.

import type { FrontName, LoadName } from './loads.ts';

/** Every figure, with its unit in its name, and which way is better. */
export const BETTER = {
  jobsPerSecond: 'more',
  bytesPerSecond: 'more',
  connectsPerSecond: 'more',
  p50Ms: 'less',
  p99Ms: 'less',
  p999Ms: 'less',
  /** User and system time of the proxy's processes for each command. */
  proxyMicros: 'less',
  faktoryMicros: 'less',
  redisMicros: 'less',
  generatorMicros: 'less',
  /** Share of one core. */
  generatorShare: 'less',
  /** What processes outside the benchmark took, as a share of the whole machine. */
  othersShare: 'less',
  emptyRssBytes: 'less',
  emptyPssBytes: 'less',
  fullRssBytes: 'less',
  fullPssBytes: 'less',
  rssPerClientBytes: 'less',
  pssPerClientBytes: 'less',
  clients: 'more',
} as const;

export type Metric = keyof typeof BETTER;

export interface Measurement {
  readonly load: LoadName;
  readonly front: FrontName;
  readonly round: number;
  readonly values: Readonly<Partial<Record<Metric, number>>>;
  /** What went wrong on the way, one sentence each. */
  readonly notes: readonly string[];
}

/** The least, the middle and the most of the rounds. */
export interface Spread {
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

/** What a front is compared with: nothing in between, or in each round the better of the peers. */
export type Yardstick = 'direct' | 'peer';

const PEERS: readonly FrontName[] = ['haproxy', 'nginx'];

export function spreadOf(values: readonly number[]): Spread | null {
  const sorted = [...values].sort((a, b) => a - b);
  const min = sorted[0];
  const max = sorted.at(-1);
  const low = sorted[Math.floor((sorted.length - 1) / 2)];
  const high = sorted[Math.ceil((sorted.length - 1) / 2)];
  if (min === undefined || max === undefined || low === undefined || high === undefined) {
    return null;
  }
  return { min, median: (low + high) / 2, max };
}

export class Figures {
  readonly measurements: readonly Measurement[];

  constructor(measurements: readonly Measurement[]) {
    this.measurements = measurements;
  }

  has(load: LoadName, front: FrontName): boolean {
    return this.measurements.some((one) => one.load === load && one.front === front);
  }

  spread(load: LoadName, front: FrontName, metric: Metric): Spread | null {
    return spreadOf([...this.#byRound(load, front, metric).values()]);
  }

  median(load: LoadName, front: FrontName, metric: Metric): number | null {
    return this.spread(load, front, metric)?.median ?? null;
  }

  /** The front's figure as so many times the yardstick's. */
  ratio(load: LoadName, front: FrontName, metric: Metric, to: Yardstick): Spread | null {
    const ratios: number[] = [];
    for (const [round, value] of this.#byRound(load, front, metric)) {
      const base = this.#base(load, metric, to, round);
      if (base !== null && base > 0) ratios.push(value / base);
    }
    return spreadOf(ratios);
  }

  /** All notes of a front under a load, each once. */
  notes(load: LoadName, front: FrontName): readonly string[] {
    const found = this.measurements.filter((one) => one.load === load && one.front === front);
    return [...new Set(found.flatMap((one) => one.notes))];
  }

  #base(load: LoadName, metric: Metric, to: Yardstick, round: number): number | null {
    const fronts = to === 'direct' ? (['direct'] as const) : PEERS;
    const values = fronts
      .map((front) => this.#byRound(load, front, metric).get(round))
      .filter((value) => value !== undefined);
    if (values.length === 0) return null;
    return BETTER[metric] === 'more' ? Math.max(...values) : Math.min(...values);
  }

  #byRound(load: LoadName, front: FrontName, metric: Metric): ReadonlyMap<number, number> {
    const byRound = new Map<number, number>();
    for (const one of this.measurements) {
      const value = one.values[metric];
      if (one.load === load && one.front === front && value !== undefined) {
        byRound.set(one.round, value);
      }
    }
    return byRound;
  }
}
