// The stand-in's jobs, in memory: queues in the order of arrival, reservations, and what became of
// each job. They outlive a stop of the stand-in, as Redis's data outlive a stop of Faktory.

import { steadyClock } from './steady-clock.ts';

export interface Job {
  readonly jid: string;
  readonly queue: string;
  readonly jobtype: string;
  readonly args: readonly unknown[];
  readonly created_at: string;
  readonly enqueued_at: string;
  readonly retry: number;
  readonly [field: string]: unknown;
}

/** For `fetchBlockMs`: a FETCH that finds no job blocks until `releaseFetches`. */
export const UNTIL_RELEASED = Infinity;

export type Fate = 'retry' | 'dead' | 'discarded';

interface FetchWaiter {
  readonly wid: string;
  readonly queues: readonly string[];
  /** Undefined: it gets nil. */
  readonly end: (job: Job | undefined) => void;
}

export interface FetchOptions {
  readonly wid: string;
  readonly queues: readonly string[];
  readonly blockMs: number;
  /** The server's own end; a client's end cuts no FETCH short. */
  readonly signal: AbortSignal;
}

export class StandInJobs {
  readonly paused = new Set<string>();
  /** Jobs pushed with a future `at`; nothing moves them. */
  readonly scheduled: Job[] = [];
  readonly acknowledged: string[] = [];
  readonly failed: { readonly jid: string; readonly fate: Fate; readonly errtype: unknown }[] = [];
  readonly #queues = new Map<string, Job[]>();
  readonly #reserved = new Map<string, { readonly job: Job; readonly wid: string }>();
  readonly #waiters: FetchWaiter[] = [];
  #mayBlock = true;
  readonly #mayTake: (queue: string, wid: string) => boolean;

  /** `mayTake`: whether a worker may have a job of the queue now. */
  constructor(mayTake: (queue: string, wid: string) => boolean = () => true) {
    this.#mayTake = mayTake;
  }

  /** Jobs that nobody has fetched yet. */
  queued(queue: string): readonly Job[] {
    return this.#queues.get(queue) ?? [];
  }

  get queueLengths(): Record<string, number> {
    return Object.fromEntries([...this.#queues].map(([name, jobs]) => [name, jobs.length]));
  }

  /** Who holds the job: the wid that FETCH came with, undefined if it is not reserved. */
  holder(jid: string): string | undefined {
    return this.#reserved.get(jid)?.wid;
  }

  get reservedJids(): readonly string[] {
    return [...this.#reserved.keys()];
  }

  /** How many FETCHes are blocked now. */
  get blockedFetches(): number {
    return this.#waiters.length;
  }

  push(job: Job): void {
    const jobs = this.#queues.get(job.queue) ?? [];
    this.#queues.set(job.queue, jobs);
    const taker = this.#waiters.find(
      ({ queues, wid }) => queues.includes(job.queue) && this.#mayTake(job.queue, wid),
    );
    if (taker === undefined) jobs.push(job);
    else taker.end(job);
  }

  /** Each FETCH that is blocked now gets nil. */
  releaseFetches(): void {
    for (const waiter of [...this.#waiters]) waiter.end(undefined);
  }

  /** The same, and from now on a FETCH that finds no job gets nil at once. */
  blockNoMore(): void {
    this.#mayBlock = false;
    this.releaseFetches();
  }

  async fetch(options: FetchOptions): Promise<Job | undefined> {
    const open = options.queues.filter(
      (queue) => !this.paused.has(queue) && this.#mayTake(queue, options.wid),
    );
    const job = this.#pop(open) ?? (await this.#block(open, options));
    if (job !== undefined) this.#reserved.set(job.jid, { job, wid: options.wid });
    return job;
  }

  ack(jid: string): void {
    if (this.#reserved.delete(jid)) this.acknowledged.push(jid);
  }

  /** False if no such job is reserved. */
  fail(jid: string, errtype: unknown): boolean {
    const reservation = this.#reserved.get(jid);
    if (reservation === undefined) return false;
    this.#reserved.delete(jid);
    this.failed.push({ jid, fate: fateOf(reservation.job), errtype });
    return true;
  }

  remove(queue: string): void {
    this.#queues.delete(queue);
    this.paused.delete(queue);
  }

  /** FLUSH: all that Redis holds. Reservations stay, as they do in Faktory's memory. */
  clear(): void {
    this.#queues.clear();
    this.scheduled.length = 0;
  }

  #pop(queues: readonly string[]): Job | undefined {
    for (const queue of queues) {
      const job = this.#queues.get(queue)?.shift();
      if (job !== undefined) return job;
    }
    return undefined;
  }

  #block(queues: readonly string[], options: FetchOptions): Promise<Job | undefined> {
    if (!this.#mayBlock) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      const end = (job: Job | undefined): void => {
        timer?.cancel();
        options.signal.removeEventListener('abort', abort);
        const index = this.#waiters.indexOf(waiter);
        if (index >= 0) this.#waiters.splice(index, 1);
        resolve(job);
      };
      const abort = (): void => end(undefined);
      const waiter: FetchWaiter = { wid: options.wid, queues, end };
      const { blockMs } = options;
      const timer = blockMs === UNTIL_RELEASED ? null : steadyClock.after(blockMs, abort);
      this.#waiters.push(waiter);
      if (options.signal.aborted) abort();
      else options.signal.addEventListener('abort', abort);
    });
  }
}

function fateOf(job: Job): Fate {
  if (job.retry === 0) return 'discarded';
  return job.retry < 0 ? 'dead' : 'retry';
}
