// Everything that is counted, room by room. Gauges are not here: they are read from what is there.

import { CountBy } from '../base/counters.ts';
import { ClientCounts } from '../client/client-counts.ts';
import { LaneCounts } from '../lanes/lane-counts.ts';
import { ReloadCounts } from './reload-counts.ts';
import { TransportCounts } from '../transport/transport-counts.ts';
import { SharingCounts } from '../sharing/sharing-counts.ts';
import { ServerCounts } from '../server/server-counts.ts';
import { CONNECTION_LOG_OUTCOMES } from './connection-log.ts';
import { JobCounts } from './jobs/job-counts.ts';

export class Counts {
  readonly client = new ClientCounts();
  readonly lanes = new LaneCounts();
  readonly server = new ServerCounts();
  readonly sharing = new SharingCounts();
  readonly reloads = new ReloadCounts();
  readonly connectionLog = new CountBy(CONNECTION_LOG_OUTCOMES);
  readonly statsd = { reports: 0, errors: 0 };
  readonly jobs: JobCounts;
  readonly transport = new TransportCounts();
  /** Failed internal checks; anything above zero is a defect worth a report. */
  readonly bugs = { total: 0 };

  /** `jobsMax`: queues and job types that are counted by name; 0: jobs are not counted. */
  constructor(jobsMax = 0) {
    this.jobs = new JobCounts(jobsMax);
  }
}
