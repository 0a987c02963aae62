// Jobs by queue and job type. Promise: the largest `max` queues and job types have series of their own,
// everything else counts as `other`, and there are never more than 6 * max + 2 series, whatever names
// clients invent. A series that has lost its label is gone; it begins at 0 when it gets one again.

import { Histogram, type HistogramFigures } from '../../base/counters.ts';
import { Largest, OTHER } from './largest.ts';

/** Jobs take longer than commands: 10 ms to an hour. */
const RUN_TIME_BOUNDS_SECONDS = [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3600];
const RANK_INTERVAL_MS = 60_000;
/** Pairs of queue and job type, for each label; a job type beyond that counts as `other`. */
const PAIRS_EACH = 5;
/** What a label may be: visible ASCII, and what Faktory's clients use as names. */
const NAME = /^[\u0021-\u007e]{1,100}$/;

/** The labels of jobs that were fetched before they could be watched. */
const UNKNOWN = 'unknown';

export class JobSeries {
  readonly queue: string;
  readonly jobtype: string;
  pushed = 0;
  fetched = 0;
  acknowledged = 0;
  failed = 0;
  /** From a FETCH's reply to the ACK. */
  readonly runTime = new Histogram(RUN_TIME_BOUNDS_SECONDS);

  constructor(queue: string, jobtype: string) {
    this.queue = queue;
    this.jobtype = jobtype;
  }
}

/** What a series holds. */
export type JobFigures = Pick<
  JobSeries,
  'queue' | 'jobtype' | 'pushed' | 'fetched' | 'acknowledged' | 'failed'
> & { readonly runTime: HistogramFigures };

export class JobCounts {
  readonly max: number;
  /** Jobs whose ACK or FAIL came too late to be matched: there were too many others. */
  forgotten = 0;
  readonly #queues: Largest;
  readonly #jobtypes: Largest;
  readonly #series = new Map<string, Map<string, JobSeries>>();
  #pairs = 0;
  #rankedAt = 0;
  readonly unknown = new JobSeries(UNKNOWN, UNKNOWN);

  /** 0: jobs are not counted. */
  constructor(max: number) {
    this.max = max;
    this.#queues = new Largest(max, (queue) => this.#dropQueue(queue));
    this.#jobtypes = new Largest(max, (jobtype) => this.#dropType(jobtype));
  }

  /** Where a job counts at `now` (monotonic ms). */
  of(queue: string, jobtype: string, now: number): JobSeries {
    if (now - this.#rankedAt >= RANK_INTERVAL_MS) {
      this.#rankedAt = now;
      this.#queues.rank();
      this.#jobtypes.rank();
    }
    const queueLabel = NAME.test(queue) ? this.#queues.see(queue) : OTHER;
    const typeLabel = NAME.test(jobtype) ? this.#jobtypes.see(jobtype) : OTHER;
    return this.#find(queueLabel, typeLabel);
  }

  /** Adds what another process has counted: its labels are among those that are bounded here too. */
  addSeries(series: JobFigures): void {
    const own =
      series.queue === UNKNOWN && series.jobtype === UNKNOWN
        ? this.unknown
        : this.#find(series.queue, series.jobtype);
    own.pushed += series.pushed;
    own.fetched += series.fetched;
    own.acknowledged += series.acknowledged;
    own.failed += series.failed;
    own.runTime.add(series.runTime);
  }

  /** All series, `unknown` last. */
  *[Symbol.iterator](): Generator<JobSeries, void, undefined> {
    if (this.max === 0) return;
    for (const types of this.#series.values()) yield* types.values();
    yield this.unknown;
  }

  #find(queue: string, jobtype: string): JobSeries {
    const types = this.#series.get(queue) ?? new Map<string, JobSeries>();
    if (types.size === 0) this.#series.set(queue, types);
    const series = types.get(jobtype);
    if (series !== undefined) return series;
    if (this.#pairs >= PAIRS_EACH * this.max && jobtype !== OTHER) return this.#find(queue, OTHER);
    const added = new JobSeries(queue, jobtype);
    types.set(jobtype, added);
    this.#pairs += 1;
    return added;
  }

  #dropQueue(queue: string): void {
    this.#pairs -= this.#series.get(queue)?.size ?? 0;
    this.#series.delete(queue);
  }

  #dropType(jobtype: string): void {
    for (const types of this.#series.values()) if (types.delete(jobtype)) this.#pairs -= 1;
  }
}
