// The counts of several processes, added up. Promise: what one process has counted is sent as plain values
// and arrives whole; every number of Counts is added, whatever rooms come to count.

import { Counts } from './counts.ts';
import type { JobFigures } from './jobs/job-counts.ts';

/** What a process has counted, as it can be sent. */
export interface CountFigures {
  /** A Counts, except jobs and reloads. */
  readonly counts: object;
  readonly jobs: readonly JobFigures[];
  readonly jobsForgotten: number;
}

export function figuresOf(counts: Counts): CountFigures {
  const { jobs, reloads: _reloads, ...others } = counts;
  return { counts: others, jobs: [...jobs], jobsForgotten: jobs.forgotten };
}

/** Adds `figures` to `total`. */
export function addFigures(total: Counts, { counts, jobs, jobsForgotten }: CountFigures): void {
  addNumbers(total, counts);
  total.jobs.forgotten += jobsForgotten;
  for (const series of jobs) total.jobs.addSeries(series);
}

/** Adds each number of `more` to the one with the same name in `total`. */
function addNumbers(total: object, more: object): void {
  const sums = total as Record<string, unknown>;
  for (const [name, value] of Object.entries(more)) {
    const sum = sums[name];
    if (typeof sum === 'number' && typeof value === 'number') sums[name] = sum + value;
    // Bounds are the same everywhere.
    else if (isHolder(sum) && isHolder(value) && name !== 'boundsSeconds') addNumbers(sum, value);
  }
}

function isHolder(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
