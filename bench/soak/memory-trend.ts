// Whether memory is flat. Pure. Promise: what is compared is the least memory of each tenth of the time,
// since a heap grows until it is collected; the first tenths, in which everything is used for the first
// time, do not count.

export interface Sample {
  /** Seconds since the start. */
  readonly at: number;
  readonly bytes: number;
}

export interface Trend {
  /** Of the line through the least samples. */
  readonly bytesPerHour: number;
  /** The first and the last of them. */
  readonly from: number;
  readonly to: number;
}

const WINDOWS = 10;
const WARM_UP_WINDOWS = 2;

/** Null with too few samples. */
export function memoryTrend(samples: readonly Sample[]): Trend | null {
  const [first, last] = [samples[0], samples.at(-1)];
  if (first === undefined || last === undefined || last.at <= first.at) return null;
  const width = (last.at - first.at) / WINDOWS;
  const least: Sample[] = [];
  for (let window = WARM_UP_WINDOWS; window < WINDOWS; window += 1) {
    const from = first.at + window * width;
    const inside = samples.filter(({ at }) => at >= from && at <= from + width);
    const lowest = inside.reduce<Sample | null>(
      (low, sample) => (low === null || sample.bytes < low.bytes ? sample : low),
      null,
    );
    if (lowest !== null) least.push(lowest);
  }
  const [from, to] = [least[0], least.at(-1)];
  if (from === undefined || to === undefined || least.length < 3) return null;
  return { bytesPerHour: slopeOf(least) * 3600, from: from.bytes, to: to.bytes };
}

/** Least squares; bytes per second. */
function slopeOf(samples: readonly Sample[]): number {
  const mean = (of: (sample: Sample) => number): number =>
    samples.reduce((sum, sample) => sum + of(sample), 0) / samples.length;
  const at = mean((sample) => sample.at);
  const bytes = mean((sample) => sample.bytes);
  const above = samples.reduce((sum, s) => sum + (s.at - at) * (s.bytes - bytes), 0);
  const below = samples.reduce((sum, s) => sum + (s.at - at) ** 2, 0);
  return below === 0 ? 0 : above / below;
}
