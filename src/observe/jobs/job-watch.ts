// Hot path, where metrics.jobs is on. Jobs, seen from the replies that clients read. Promise: a job counts
// when its client reads that it is stored, handed out, done or failed; what is remembered of jobs that
// run is bounded, the oldest is forgotten first; a defect here is reported and reaches no client.

import type { ReplyWatch } from '../../client/client-events.ts';
import type { Command } from '../../protocol/command.ts';
import { parseJsonObject } from '../../protocol/go-json.ts';
import { bulkJobFields, type JobFields, jobFields } from '../../protocol/job-fields.ts';
import { bulkBody, isError, isNil, OK } from '../../protocol/replies.ts';
import type { JobCounts, JobSeries } from './job-counts.ts';

/** Jobs that run; 10,000 workers with five threads each. */
const RUNNING_MAX = 50_000;
/** Run times that are kept one by one for the next report. */
const RECENT_MAX = 1000;
/** Faktory's own queue for a job that names none (v1.7.0 manager/manager.go Push). */
const DEFAULT_QUEUE = 'default';

interface RunningJob {
  readonly queue: string;
  readonly jobtype: string;
  /** Monotonic ms. */
  readonly since: number;
}

/** One job that is done. */
export interface RunTime {
  readonly queue: string;
  readonly jobtype: string;
  readonly ms: number;
}

export interface JobWatchParts {
  readonly counts: JobCounts;
  /** Whether run times are kept one by one, for takeRecent(). */
  readonly keepsRecent: boolean;
  readonly onBug: (error: unknown) => void;
  /** Default: RUNNING_MAX. */
  readonly runningMax?: number;
}

export class JobWatch implements ReplyWatch {
  readonly #parts: JobWatchParts;
  readonly #runningMax: number;
  /** By jid, the one that has run longest first. */
  readonly #running = new Map<string, RunningJob>();
  #recent: RunTime[] = [];

  constructor(parts: JobWatchParts) {
    this.#parts = parts;
    this.#runningMax = parts.runningMax ?? RUNNING_MAX;
  }

  /** Jobs that are remembered. */
  get running(): number {
    return this.#running.size;
  }

  answered(command: Command, reply: Buffer, now: number): void {
    try {
      this.#note(command, reply, now);
    } catch (error) {
      this.#parts.onBug(error);
    }
  }

  /** The run times since the last call, 1000 at most. */
  takeRecent(): readonly RunTime[] {
    const recent = this.#recent;
    this.#recent = [];
    return recent;
  }

  #note({ verb, line, readAt }: Command, reply: Buffer, now: number): void {
    if (isError(reply)) return;
    switch (verb) {
      case 'PUSH':
        if (reply.equals(OK)) this.#seriesOf(jobFields(line, verb.length), now).pushed += 1;
        return;
      case 'PUSHB':
        this.#pushedMany(line, reply, now);
        return;
      case 'FETCH':
        if (!isNil(reply)) this.#fetched(reply, now);
        return;
      case 'ACK':
      case 'FAIL':
        if (reply.equals(OK)) this.#ended(verb, jobFields(line, verb.length).jid, { readAt, now });
        return;
      case 'BATCH':
      case 'BEAT':
      case 'END':
      case 'FLUSH':
      case 'INFO':
      case 'MUTATE':
      case 'OTHER':
      case 'QUEUE':
      case 'TRACK':
    }
  }

  /** The answer names the jobs that were not stored, by jid. */
  #pushedMany(line: Buffer, reply: Buffer, now: number): void {
    const body = bulkBody(reply);
    if (body === null) return;
    const refused = parseJsonObject(body.toString());
    if (refused === null) return;
    for (const job of bulkJobFields(line)) {
      if (!Object.hasOwn(refused, job.jid)) this.#seriesOf(job, now).pushed += 1;
    }
  }

  #fetched(reply: Buffer, now: number): void {
    const job = jobFields(reply, 0);
    this.#seriesOf(job, now).fetched += 1;
    if (job.jid === '') return;
    this.#running.delete(job.jid);
    this.#running.set(job.jid, { queue: job.queue, jobtype: job.jobtype, since: now });
    if (this.#running.size <= this.#runningMax) return;
    const [oldest] = this.#running.keys();
    if (oldest !== undefined) this.#running.delete(oldest);
    this.#parts.counts.forgotten += 1;
  }

  #ended(
    verb: 'ACK' | 'FAIL',
    jid: string,
    { readAt, now }: { readonly readAt: number; readonly now: number },
  ): void {
    const { counts } = this.#parts;
    const job = this.#running.get(jid);
    this.#running.delete(jid);
    const series = job === undefined ? counts.unknown : counts.of(job.queue, job.jobtype, now);
    if (verb === 'FAIL') {
      series.failed += 1;
      return;
    }
    series.acknowledged += 1;
    if (job === undefined) return;
    const ms = Math.max(0, readAt - job.since);
    series.runTime.observeMs(ms);
    if (this.#parts.keepsRecent && this.#recent.length < RECENT_MAX) {
      this.#recent.push({ queue: series.queue, jobtype: series.jobtype, ms });
    }
  }

  #seriesOf({ queue, jobtype }: JobFields, now: number): JobSeries {
    return this.#parts.counts.of(queue === '' ? DEFAULT_QUEUE : queue, jobtype, now);
  }
}
