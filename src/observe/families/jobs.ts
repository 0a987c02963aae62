// Metrics about jobs, where metrics.jobs is on. Promise: the labels are what JobCounts lets through, which
// is bounded; without metrics.jobs there are no samples.

import type { JobSeries } from '../jobs/job-counts.ts';
import { type Family, histogramSamples, METRIC_PREFIX, type Sample } from './family.ts';

type Count = 'pushed' | 'fetched' | 'acknowledged' | 'failed';

const RUN_TIME = `${METRIC_PREFIX}job_run_seconds`;

export const JOB_FAMILIES: readonly Family[] = [
  jobCounter('pushed', 'Jobs whose PUSH or PUSHB was answered with success; metrics.jobs only.'),
  jobCounter('fetched', 'Jobs that were handed to a client; metrics.jobs only.'),
  jobCounter('acknowledged', 'Jobs whose ACK succeeded; metrics.jobs only.'),
  jobCounter('failed', 'Jobs whose FAIL succeeded; metrics.jobs only.'),
  {
    name: RUN_TIME,
    help: 'Time from handing a job to its client to its ACK; metrics.jobs only.',
    type: 'histogram',
    read: ({ counts }) =>
      [...counts.jobs].flatMap((series) =>
        histogramSamples(RUN_TIME, labelsOf(series), series.runTime),
      ),
  },
  {
    name: `${METRIC_PREFIX}jobs_forgotten_total`,
    help: 'Jobs that were not remembered until their ACK, since 50,000 others ran; metrics.jobs only.',
    type: 'counter',
    read: ({ counts: { jobs } }) => (jobs.max === 0 ? [] : [{ labels: {}, value: jobs.forgotten }]),
  },
];

function jobCounter(count: Count, help: string): Family {
  return {
    name: `${METRIC_PREFIX}jobs_${count}_total`,
    help,
    type: 'counter',
    read: ({ counts }) =>
      [...counts.jobs].map((series): Sample => ({
        labels: labelsOf(series),
        value: series[count],
      })),
  };
}

function labelsOf({ queue, jobtype }: JobSeries): Record<string, string> {
  return { queue, jobtype };
}
