// What the stand-in does as an Enterprise server: batches, tracking, unique jobs, throttles, and error
// codes of a middleware. No binary of Enterprise can be had: this answers as its public clients expect.
// Sources: contribsys/faktory v1.7.0 client/batch.go, client/tracking.go, manager/middleware.go;
// faktory_worker_ruby v2.2.0 batch.rb, tracking.rb and their tests; crate faktory v0.13.1
// tests/real/enterprise.rs; the wiki's pages Ent-Batches, Ent-Tracking, Ent-Unique-Jobs, Ent-Throttling.

import { randomBytes } from 'node:crypto';
import type { Job } from './stand-in-jobs.ts';

type Fields = Readonly<Record<string, unknown>>;

/** An error; its code is the reply's first word. */
export interface Problem {
  readonly code: string;
  readonly text: string;
}

export interface Throttle {
  /** Most jobs of the queue at a time, over all workers. */
  readonly concurrency?: number;
  /** Most jobs of the queue at a time for one worker. */
  readonly worker?: number;
}

export interface EnterpriseOptions {
  readonly throttles?: Readonly<Record<string, Throttle>>;
  /** A middleware of the push chain. */
  readonly onPush?: (job: Job) => Problem | undefined;
  /** A middleware of the fetch chain: the job is dropped. */
  readonly onFetch?: (job: Job) => Problem | undefined;
}

interface Batch {
  readonly definition: Fields;
  readonly createdAt: string;
  /** Its callbacks that have been pushed. */
  readonly called: Set<Callback>;
  isCommitted: boolean;
  total: number;
  pending: number;
  failed: number;
}

type Callback = 'complete' | 'success';

interface Track {
  readonly jid: string;
  state: 'enqueued' | 'working' | 'success' | 'failed';
  percent?: unknown;
  desc?: unknown;
  updatedAt: string;
}

/** A verb's answer: a status, the contents of a bulk, or an error. */
export type EnterpriseAnswer =
  | { readonly kind: 'ok' }
  | { readonly kind: 'bulk'; readonly contents: string }
  | { readonly kind: 'error'; readonly problem: Problem };

const OK: EnterpriseAnswer = { kind: 'ok' };

export class StandInEnterprise {
  readonly #options: EnterpriseOptions;
  readonly #pushJob: (fields: Fields) => void;
  readonly #batches = new Map<string, Batch>();
  readonly #tracks = new Map<string, Track>();
  /** The jid that holds the lock, by what makes a job unique. */
  readonly #unique = new Map<string, string>();
  /** Jobs at workers, by jid. */
  readonly #atWork = new Map<string, { readonly job: Job; readonly wid: string }>();
  #mostAtWork = new Map<string, number>();

  /** `pushJob`: as a client's PUSH would; for a batch's callbacks. */
  constructor(options: EnterpriseOptions, pushJob: (fields: Fields) => void) {
    this.#options = options;
    this.#pushJob = pushJob;
  }

  /** Most jobs of the queue that were ever at workers at a time. */
  mostAtWork(queue: string): number {
    return this.#mostAtWork.get(queue) ?? 0;
  }

  batch(words: readonly string[], payload: string): EnterpriseAnswer {
    const [action = '', bid = ''] = words;
    if (action === 'NEW') return this.#newBatch(payload);
    const batch = this.#batches.get(bid);
    if (batch === undefined) return failure(`no such batch ${bid}`);
    switch (action) {
      case 'OPEN':
        batch.isCommitted = false;
        return { kind: 'bulk', contents: bid };
      case 'COMMIT':
        batch.isCommitted = true;
        this.#callBack(batch);
        return OK;
      case 'STATUS':
        return { kind: 'bulk', contents: JSON.stringify(statusOf(bid, batch)) };
      default:
        return failure(`unknown batch command ${action}`);
    }
  }

  track(words: readonly string[], payload: string): EnterpriseAnswer {
    const [action = '', jid = ''] = words;
    if (action === 'GET') return { kind: 'bulk', contents: JSON.stringify(this.#trackOf(jid)) };
    if (action !== 'SET') return failure(`unknown track command ${action}`);
    const { jid: named, percent, desc } = JSON.parse(payload) as Fields;
    const track = this.#tracks.get(String(named));
    if (track !== undefined) {
      Object.assign(track, { percent, desc, updatedAt: new Date().toISOString() });
    }
    return OK;
  }

  /** Before the job is stored; a problem keeps it out. */
  pushed(job: Job): Problem | undefined {
    const problem = this.#options.onPush?.(job);
    if (problem !== undefined) return problem;
    const { unique_for: uniqueFor, bid, track } = customOf(job);
    const key = uniqueKey(job);
    if (uniqueFor !== undefined) {
      if (this.#unique.has(key)) return { code: 'NOTUNIQUE', text: 'Job not unique' };
      this.#unique.set(key, job.jid);
    }
    const batch = this.#batches.get(String(bid));
    if (batch !== undefined) {
      batch.total += 1;
      batch.pending += 1;
    }
    if (track !== undefined) {
      this.#tracks.set(job.jid, { jid: job.jid, state: 'enqueued', updatedAt: job.enqueued_at });
    }
    return undefined;
  }

  /** Whether a throttle lets the worker have one more job of the queue. */
  mayTake(queue: string, wid: string): boolean {
    const { concurrency = Infinity, worker = Infinity } = this.#options.throttles?.[queue] ?? {};
    const atWork = [...this.#atWork.values()].filter(({ job }) => job.queue === queue);
    const own = atWork.filter((held) => held.wid === wid);
    return atWork.length < concurrency && own.length < worker;
  }

  /** Before a worker reads the job. */
  fetched(job: Job, wid: string): Problem | undefined {
    const problem = this.#options.onFetch?.(job);
    if (problem !== undefined) return problem;
    this.#atWork.set(job.jid, { job, wid });
    const now = [...this.#atWork.values()].filter((held) => held.job.queue === job.queue).length;
    this.#mostAtWork.set(job.queue, Math.max(this.mostAtWork(job.queue), now));
    this.#setState(job.jid, 'working');
    return undefined;
  }

  ended(jid: string, how: 'success' | 'failed'): void {
    const held = this.#atWork.get(jid);
    if (held === undefined) return;
    this.#atWork.delete(jid);
    this.#setState(jid, how);
    const key = uniqueKey(held.job);
    if (this.#unique.get(key) === jid && how === 'success') this.#unique.delete(key);
    const batch = this.#batches.get(String(customOf(held.job)['bid']));
    if (batch === undefined) return;
    if (how === 'success') batch.pending -= 1;
    else batch.failed += 1;
    this.#callBack(batch);
  }

  #newBatch(payload: string): EnterpriseAnswer {
    const definition = JSON.parse(payload) as Fields;
    if (definition['success'] === undefined && definition['complete'] === undefined) {
      return failure('batch must have a callback');
    }
    const bid = `b-${randomBytes(8).toString('hex')}`;
    const createdAt = new Date().toISOString();
    const counts = { total: 0, pending: 0, failed: 0 };
    const called = new Set<Callback>();
    this.#batches.set(bid, { definition, createdAt, called, isCommitted: false, ...counts });
    return { kind: 'bulk', contents: bid };
  }

  /** Pushes what is due: complete when each job was tried, success when each has succeeded. */
  #callBack(batch: Batch): void {
    for (const callback of ['complete', 'success'] as const) {
      const job = batch.definition[callback];
      if (job === undefined || batch.called.has(callback) || !isDue(callback, batch)) continue;
      batch.called.add(callback);
      this.#pushJob(job as Fields);
    }
  }

  #trackOf(jid: string): object {
    const track = this.#tracks.get(jid);
    if (track === undefined) return { jid, state: 'unknown', updated_at: '' };
    const { updatedAt, ...rest } = track;
    return { ...rest, updated_at: updatedAt };
  }

  #setState(jid: string, state: Track['state']): void {
    const track = this.#tracks.get(jid);
    if (track === undefined) return;
    track.state = state;
    track.updatedAt = new Date().toISOString();
  }
}

function isDue(callback: Callback, { isCommitted, pending, failed }: Batch): boolean {
  return isCommitted && pending === (callback === 'success' ? 0 : failed);
}

function statusOf(bid: string, batch: Batch): object {
  const { definition, createdAt, total, pending, failed, called } = batch;
  return {
    bid,
    parent_bid: definition['parent_bid'],
    description: definition['description'],
    created_at: createdAt,
    total,
    pending,
    failed,
    complete_st: called.has('complete') ? '1' : '',
    success_st: called.has('success') ? '1' : '',
  };
}

function customOf(job: Job): Fields {
  return (job['custom'] ?? {}) as Fields;
}

/** The wiki: type, arguments and queue. */
function uniqueKey({ jobtype, args, queue }: Job): string {
  return JSON.stringify([jobtype, args, queue]);
}

function failure(text: string): EnterpriseAnswer {
  return { kind: 'error', problem: { code: 'ERR', text } };
}
