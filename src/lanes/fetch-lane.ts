// Pooled mode's way for FETCH, all workers together. Promise: a worker is known to Faktory while it
// has a client; a job goes to the client that has waited longest for one of its queues; a client has a
// job, or nil, 2 s after its FETCH was read, or the server's own error.

import type { Place } from '../admission/places.ts';
import { Deadlines } from '../base/deadlines.ts';
import type { Hello } from '../protocol/hello.ts';
import { NIL } from '../protocol/replies.ts';
import type { ClientFetch } from './client-fetch.ts';
import type { FetchServer } from './fetch-server.ts';
import { JOB_WITHIN_MS } from './fetch-sets.ts';
import type { GroupFetchesParts } from './group-fetches.ts';
import type { StrayJobs, WaitingFetches } from './stray-jobs.ts';
import { WorkerGroup, type WorkerLane } from './worker-group.ts';

/**
 * How long a client waits, past its 2 s, for the end of a reply that has begun to arrive: real clients
 * that wait longer than 2 s give up at 5 s.
 */
const REPLY_WITHIN_MS = 2500;

export interface FetchLaneParts extends Omit<
  GroupFetchesParts,
  'timeLimits' | 'replyLimits' | 'lingerLimits'
> {
  readonly strayJobs: StrayJobs;
  readonly producerHello: Hello;
}

export class FetchLane implements WorkerLane, WaitingFetches {
  readonly #parts: GroupFetchesParts & FetchLaneParts;
  readonly #groups = new Map<string | null, WorkerGroup>();
  /** Groups with a set that has no FETCH for want of a place. */
  readonly #lacking = new Set<WorkerGroup>();
  /** A group was asked to give a place up for another's set, and none has become free since. */
  #hasAskedForPlace = false;
  #isDraining = false;

  constructor(parts: FetchLaneParts) {
    const { clock, settings, places } = parts;
    const timeIsOver = (fetch: ClientFetch): void => fetch.timeIsOver();
    this.#parts = {
      ...parts,
      timeLimits: new Deadlines(clock, () => JOB_WITHIN_MS, timeIsOver),
      replyLimits: new Deadlines(
        clock,
        () => REPLY_WITHIN_MS,
        (fetch) => this.answerNil(fetch),
      ),
      lingerLimits: new Deadlines<FetchServer>(
        clock,
        () => settings.current.lingerMs,
        (server) => server.lingered(),
      ),
    };
    places.onWanted(() => this.#yieldPlace());
    places.onFreed(() => this.#placeFreed());
  }

  /** Whether the bouncer stops: no FETCH is sent to Faktory any more. */
  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** Sends no FETCH any more; those at Faktory are waited for, by as many clients. */
  drain(): void {
    this.#isDraining = true;
    for (const group of this.#groups.values()) group.drain();
  }

  /** FETCHes of clients that have no reply yet. */
  get waiting(): number {
    return this.#parts.timeLimits.size + this.#parts.replyLimits.size;
  }

  /** Whether `worker` has no server connection yet. */
  needsPlace(worker: string): boolean {
    return !this.#groups.has(worker);
  }

  /** The group of `worker`, made with `place` for its first server connection where there is none. */
  groupFor(worker: string, hello: Hello, place: Place | null): WorkerGroup {
    const group = this.#groups.get(worker);
    if (group !== undefined) {
      place?.release();
      return group;
    }
    return this.#add(new WorkerGroup(this.#parts, this, { worker, hello, place }));
  }

  /** The group of all clients without wid. */
  producerGroup(): WorkerGroup {
    const group = this.#groups.get(null);
    if (group !== undefined) return group;
    const hello = this.#parts.producerHello;
    return this.#add(new WorkerGroup(this.#parts, this, { worker: null, hello, place: null }));
  }

  /** Faktory has answered a BEAT for `worker`: it has heard of it. */
  onBeat(worker: string): void {
    this.#groups.get(worker)?.onBeat();
  }

  forget(group: WorkerGroup): void {
    if (this.#groups.get(group.worker) === group) this.#groups.delete(group.worker);
    this.#lacking.delete(group);
  }

  answerNil(fetch: ClientFetch): void {
    this.#parts.counts.fetchesAnsweredNil.total += 1;
    fetch.answered(NIL);
  }

  takeWaiting(queue: string, worker: string | null): ClientFetch | null {
    const own = this.#groups.get(worker)?.takeWaiting(queue) ?? null;
    if (own !== null) return own;
    for (const group of this.#groups.values()) {
      const fetch = group.takeWaiting(queue);
      if (fetch !== null) return fetch;
    }
    return null;
  }

  /** A set without a FETCH comes before the second FETCH of another. */
  lacksPlace(group: WorkerGroup): void {
    this.#lacking.add(group);
    if (this.#hasAskedForPlace) return;
    const largest = this.#largest((other) => Math.min(other.extra, other.spare));
    if (largest === null) return;
    this.#hasAskedForPlace = true;
    largest.yieldPlace();
  }

  /** Somebody waits for a place: the group that holds most server connections gives one up. */
  #yieldPlace(): void {
    this.#largest((group) => group.spare)?.yieldPlace();
  }

  #placeFreed(): void {
    this.#hasAskedForPlace = false;
    if (this.#lacking.size === 0) return;
    const lacking = [...this.#lacking];
    this.#lacking.clear();
    for (const group of lacking) group.onPlaceFreed();
  }

  /** The group with the highest `rank`, if that is above 0. */
  #largest(rank: (group: WorkerGroup) => number): WorkerGroup | null {
    let largest: WorkerGroup | null = null;
    let highest = 0;
    for (const group of this.#groups.values()) {
      const its = rank(group);
      if (its <= highest) continue;
      largest = group;
      highest = its;
    }
    return largest;
  }

  #add(group: WorkerGroup): WorkerGroup {
    this.#groups.set(group.worker, group);
    return group;
  }
}
