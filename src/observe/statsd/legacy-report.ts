// The names that Faktory Enterprise sends to statsd, for dashboards that were made for it. Promise: what
// the bouncer does not know is not sent: Faktory's numbers only while it answers INFO, Redis's only
// while that is asked, jobs only with metrics.jobs; a dashboard shows a gap and not an old value.

import type { Source } from '../families/family.ts';
import type { Snapshot } from '../snapshot.ts';
import type { JobCounts } from '../jobs/job-counts.ts';
import type { RunTime } from '../jobs/job-watch.ts';
import { Deltas } from './deltas.ts';
import type { Measurement } from './measurement.ts';

/** Whose names are sent beside the bouncer's own. */
export type LegacyNames = 'none' | 'enterprise';

type Gauges = Readonly<Record<string, number | null | undefined>>;

export class LegacyReport {
  readonly #names: LegacyNames;
  readonly #prefix: string;
  readonly #deltas = new Deltas();

  constructor(names: LegacyNames, prefix: string) {
    this.#names = names;
    this.#prefix = prefix;
  }

  /** `runTimes`: of the jobs that were done since the call before, as far as they were kept. */
  take({ snapshot, counts }: Source, runTimes: readonly RunTime[]): readonly Measurement[] {
    if (this.#names === 'none') return [];
    return [...this.#gauges(snapshot), ...this.#jobs(counts.jobs), ...this.#runTimes(runTimes)];
  }

  #gauges(snapshot: Snapshot): readonly Measurement[] {
    return Object.entries(gaugesOf(snapshot)).flatMap(([name, value]) =>
      value === null || value === undefined || Number.isNaN(value)
        ? []
        : [{ name: this.#prefix + name, type: 'gauge', value, tags: {} } as const],
    );
  }

  /** `jobs.count` counts executions, those that failed included. */
  #jobs(jobs: JobCounts): readonly Measurement[] {
    const sent: Measurement[] = [];
    for (const { queue, jobtype, acknowledged, failed } of jobs) {
      const tags = { queue, jobtype };
      for (const [name, total] of [
        ['jobs.count', acknowledged + failed],
        ['jobs.failed', failed],
      ] as const) {
        const value = this.#deltas.added(`${name} ${queue} ${jobtype}`, total);
        if (value > 0) sent.push({ name: this.#prefix + name, type: 'count', value, tags });
      }
    }
    this.#deltas.next();
    return sent;
  }

  #runTimes(runTimes: readonly RunTime[]): readonly Measurement[] {
    const name = `${this.#prefix}jobs.perform`;
    return runTimes.map(({ queue, jobtype, ms }) => ({
      name,
      type: 'timing',
      value: ms,
      tags: { queue, jobtype },
    }));
  }
}

function gaugesOf({ clients, faktory: { info }, redis }: Snapshot): Gauges {
  return {
    processed: info?.processed,
    failures: info?.failures,
    enqueued: info?.enqueued,
    scheduled: info?.tasks.scheduled,
    retries: info?.tasks.retries,
    dead: info?.tasks.dead,
    ...perQueue(info?.queueSizes),
    'ops.connections': clientsAfterHandshake(clients),
    'ops.redis.connections': redis?.connectedClients,
    'ops.redis.memory': redis?.usedMemoryBytes,
  };
}

/** Faktory counts a connection from the end of its handshake to its close. */
function clientsAfterHandshake(clients: Snapshot['clients']): number {
  return Object.values(clients).reduce((sum, { unplaced, open }) => sum + unplaced + open, 0);
}

function perQueue(sizes: ReadonlyMap<string, number> | undefined): Gauges {
  const entries = [...(sizes ?? [])].map(([queue, size]) => [`enqueued.${queue}`, size] as const);
  return Object.fromEntries(entries);
}
