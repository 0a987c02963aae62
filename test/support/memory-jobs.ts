// The jobs of a Faktory in memory. Promise: what became of every job can be asked for, and each way
// in which Faktory itself loses one is told from the others.

/** PUSH to it fails. */
export const BAD_QUEUE = '!';

export interface StoredJob {
  readonly jid: string;
  readonly queue: string;
  where: 'queued' | 'reserved' | 'acked' | 'failed' | 'given back';
  /** How often it was put into its queue. */
  pushes: number;
  /** How often FETCH took it out. */
  fetches: number;
  /** Faktory itself lost it: the reply that it was in never reached the bouncer, or was none. */
  wasCut: boolean;
}

export class MemoryJobs {
  readonly #jobs = new Map<string, StoredJob>();
  readonly #queues = new Map<string, string[]>();

  get size(): number {
    return this.#jobs.size;
  }

  get(jid: string): StoredJob | undefined {
    return this.#jobs.get(jid);
  }

  values(): IterableIterator<StoredJob> {
    return this.#jobs.values();
  }

  /** Stores a job; false for one that is there already: it is not put into its queue again. */
  push(jid: string, queue: string): boolean {
    const job = this.#jobs.get(jid);
    if (job !== undefined) {
      job.pushes += 1;
      return false;
    }
    const where = 'queued';
    this.#jobs.set(jid, { jid, queue, where, pushes: 1, fetches: 0, wasCut: false });
    this.#queues.set(queue, [...(this.#queues.get(queue) ?? []), jid]);
    return true;
  }

  /** Takes the oldest job of the first queue that has one; it is reserved from now on. */
  take(queues: readonly string[]): StoredJob | null {
    for (const queue of queues) {
      const jid = this.#queues.get(queue)?.shift();
      const job = jid === undefined ? undefined : this.#jobs.get(jid);
      if (job === undefined) continue;
      job.where = 'reserved';
      job.fetches += 1;
      return job;
    }
    return null;
  }

  /** ACK or FAIL: only of a job that is reserved. */
  finish(jid: string, how: 'acked' | 'failed' | 'given back'): void {
    const job = this.#jobs.get(jid);
    if (job?.where === 'reserved') job.where = how;
  }
}
