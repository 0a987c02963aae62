// What was measured, and how the fronts compare. Promise: pure; a ratio is taken within one round, so
// that a machine that was slow for a while was slow for both; what was not measured is null.

export type Unit = 'count' | 'bytes' | 'bytesRate' | 'ms' | 'micros' | 'share' | 'times';

/** Every figure: its title in tables, its unit, which way is better. */
export const FIGURES = {
  jobsPerSecond: { title: 'jobs/s', unit: 'count', better: 'more' },
  jobsPerServerSecond: { title: 'jobs per server CPU s', unit: 'count', better: 'more' },
  bytesPerSecond: { title: 'bytes/s', unit: 'bytesRate', better: 'more' },
  connectsPerSecond: { title: 'connects/s', unit: 'count', better: 'more' },
  p50Ms: { title: 'p50', unit: 'ms', better: 'less' },
  p99Ms: { title: 'p99', unit: 'ms', better: 'less' },
  p999Ms: { title: 'p99.9', unit: 'ms', better: 'less' },
  fetchP50Ms: { title: 'FETCH p50', unit: 'ms', better: 'less' },
  ackP50Ms: { title: 'ACK p50', unit: 'ms', better: 'less' },
  beatP50Ms: { title: 'BEAT p50', unit: 'ms', better: 'less' },
  infoP50Ms: { title: 'INFO p50', unit: 'ms', better: 'less' },
  proxyMicros: { title: 'proxy CPU', unit: 'micros', better: 'less' },
  faktoryMicros: { title: 'Faktory CPU', unit: 'micros', better: 'less' },
  redisMicros: { title: 'Redis CPU', unit: 'micros', better: 'less' },
  generatorMicros: { title: 'generator CPU', unit: 'micros', better: 'less' },
  generatorShare: { title: 'of a core', unit: 'share', better: 'less' },
  othersShare: { title: 'others', unit: 'share', better: 'less' },
  clients: { title: 'clients', unit: 'count', better: 'more' },
  emptyRssBytes: { title: 'empty, RSS', unit: 'bytes', better: 'less' },
  emptyPssBytes: { title: 'empty, PSS', unit: 'bytes', better: 'less' },
  fullRssBytes: { title: 'full, RSS', unit: 'bytes', better: 'less' },
  fullPssBytes: { title: 'full, PSS', unit: 'bytes', better: 'less' },
  rssPer1000Bytes: { title: 'per 1000, RSS', unit: 'bytes', better: 'less' },
  pssPer1000Bytes: { title: 'per 1000, PSS', unit: 'bytes', better: 'less' },
  admitted: { title: 'in', unit: 'count', better: 'more' },
  refused: { title: 'refused', unit: 'count', better: 'less' },
  offered: { title: 'offered', unit: 'count', better: 'more' },
  acknowledged: { title: 'acknowledged', unit: 'count', better: 'more' },
  errors: { title: 'errors', unit: 'count', better: 'less' },
  cutOff: { title: 'cut off', unit: 'count', better: 'less' },
  silent: { title: 'silent', unit: 'count', better: 'less' },
  lost: { title: 'lost', unit: 'count', better: 'less' },
  lostBySecond: { title: 'lost, by second', unit: 'count', better: 'less' },
  storedTwice: { title: 'stored twice', unit: 'count', better: 'less' },
  doneTwice: { title: 'done twice', unit: 'count', better: 'less' },
  neverRead: { title: 'reserved, never read', unit: 'count', better: 'less' },
  beforePerSecond: { title: 'jobs/s before', unit: 'count', better: 'more' },
  againMs: { title: 'first stored PUSH after', unit: 'ms', better: 'less' },
  delivered: { title: 'delivered', unit: 'count', better: 'more' },
  queued: { title: 'still queued', unit: 'count', better: 'more' },
  givenBack: { title: 'given back', unit: 'count', better: 'less' },
  discarded: { title: 'discarded', unit: 'count', better: 'less' },
  aloneP99Ms: { title: 'PUSH p99 slowed, alone', unit: 'ms', better: 'less' },
  usualP99Ms: { title: 'before', unit: 'ms', better: 'less' },
  timesAlone: { title: 'times alone', unit: 'times', better: 'less' },
  timesUsual: { title: 'times before', unit: 'times', better: 'less' },
  usualAcks: { title: 'ACKs/s before', unit: 'count', better: 'more' },
  slowedAcks: { title: 'slowed', unit: 'count', better: 'more' },
  backAcks: { title: '25 s after', unit: 'count', better: 'more' },
  backShare: { title: 'of before', unit: 'share', better: 'more' },
  drainMs: { title: 'drain took', unit: 'ms', better: 'less' },
  serverConnections: { title: 'server connections', unit: 'count', better: 'less' },
} as const satisfies Record<
  string,
  { readonly title: string; readonly unit: Unit; readonly better: 'more' | 'less' }
>;

export type FigureName = keyof typeof FIGURES;

export type Values = Readonly<Partial<Record<FigureName, number>>>;

/** What one measurement gives. */
export interface Outcome {
  readonly values: Values;
  /** Cells that one number does not fill. */
  readonly texts?: Readonly<Partial<Record<FigureName, string>>>;
  /** What went wrong on the way, one sentence each. */
  readonly notes: readonly string[];
}

/** A row of a table. */
export interface Place {
  readonly group: string;
  /** Empty where the group has one case only. */
  readonly caseText: string;
  readonly front: string;
}

export interface Measurement extends Place, Outcome {
  readonly round: number;
}

/** The least, the middle and the most of the rounds. */
export interface Spread {
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

/** What a front is compared with: another, or in each round the better of HAProxy and nginx. */
export type Yardstick = 'direct' | 'session' | 'peer';

const PEERS = ['haproxy', 'nginx'];

export function spreadOf(values: readonly number[]): Spread | null {
  const sorted = [...values].sort((a, b) => a - b);
  const min = sorted[0];
  const max = sorted.at(-1);
  const low = sorted[Math.floor((sorted.length - 1) / 2)];
  const high = sorted[Math.ceil((sorted.length - 1) / 2)];
  if (min === undefined || max === undefined || low === undefined || high === undefined) {
    return null;
  }
  return { min, median: low === high ? low : (low + high) / 2, max };
}

export class Figures {
  readonly measurements: readonly Measurement[];

  constructor(measurements: readonly Measurement[]) {
    this.measurements = measurements;
  }

  at(place: Place): readonly Measurement[] {
    return this.measurements.filter(
      ({ group, caseText, front }) =>
        group === place.group && caseText === place.caseText && front === place.front,
    );
  }

  spread(place: Place, figure: FigureName): Spread | null {
    return spreadOf([...this.#byRound(place, figure).values()]);
  }

  median(place: Place, figure: FigureName): number | null {
    return this.spread(place, figure)?.median ?? null;
  }

  /** The front's figure as so many times the yardstick's. */
  ratio(place: Place, figure: FigureName, to: Yardstick): Spread | null {
    const fronts = to === 'peer' ? PEERS : [to];
    const others = fronts.map((front) => this.#byRound({ ...place, front }, figure));
    const ratios: number[] = [];
    for (const [round, value] of this.#byRound(place, figure)) {
      const bases = others.map((rounds) => rounds.get(round)).filter((base) => base !== undefined);
      const best = FIGURES[figure].better === 'more' ? Math.max(...bases) : Math.min(...bases);
      if (bases.length > 0 && best > 0) ratios.push(value / best);
    }
    return spreadOf(ratios);
  }

  #byRound(place: Place, figure: FigureName): ReadonlyMap<number, number> {
    const byRound = new Map<number, number>();
    for (const { round, values } of this.at(place)) {
      const value = values[figure];
      if (value !== undefined) byRound.set(round, value);
    }
    return byRound;
  }
}
