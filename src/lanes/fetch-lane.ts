// Pooled mode's way for FETCH, all workers together. Promise: a worker is known to Faktory while it
// has a client; a job goes to the client that has waited longest for one of its queues; a FETCH
// gets its job, or nil within 2.5 s, or the server's own error.

import type { Place, Places } from '../admission/places.ts';
import type { Clock } from '../base/clock.ts';
import { Deadlines } from '../base/deadlines.ts';
import type { Live } from '../base/live.ts';
import type { LaneCounts } from './lane-counts.ts';
import type { LaneSettings } from './lane-settings.ts';
import type { Hello } from '../protocol/hello.ts';
import { NIL } from '../protocol/replies.ts';
import type { ServerConnections } from '../server/server-connections.ts';
import type { FetchGovernor } from './fetch-governor.ts';
import type { ClientFetch } from './pooled-lane.ts';
import type { StrayJobs, WaitingFetches } from './stray-jobs.ts';
import { WorkerGroup } from './worker-group.ts';

/**
 * Longer than Faktory's own FETCH blocks (2 s, v1.7.0 manager/fetch.go): each client still waits when
 * one of them ends, so that its set can have its turn. With 2 s too, the two may stay in step, and a
 * set be passed over for ever. A client must hear within 3 s.
 */
const NIL_AFTER_MS = 2500;

export interface FetchLaneParts {
  readonly servers: ServerConnections;
  readonly clock: Clock;
  readonly counts: LaneCounts;
  readonly places: Places;
  readonly governor: FetchGovernor;
  readonly settings: Live<LaneSettings>;
  readonly strayJobs: StrayJobs;
  readonly producerHello: Hello;
}

export class FetchLane implements WaitingFetches {
  readonly parts: FetchLaneParts;
  readonly nilDeadlines: Deadlines<ClientFetch>;
  readonly lingerDeadlines: Deadlines<() => void>;
  readonly #groups = new Map<string | null, WorkerGroup>();
  #isDraining = false;

  constructor(parts: FetchLaneParts) {
    this.parts = parts;
    this.nilDeadlines = new Deadlines(
      parts.clock,
      () => NIL_AFTER_MS,
      (fetch) => {
        parts.counts.fetchesAnsweredNil.total += 1;
        fetch.answer(NIL);
      },
    );
    this.lingerDeadlines = new Deadlines(
      parts.clock,
      () => parts.settings.current.lingerMs,
      (expired) => expired(),
    );
    parts.places.onWanted(() => this.#yieldPlace());
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
    return this.nilDeadlines.size;
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
    return this.#add(new WorkerGroup(this, worker, hello, place));
  }

  /** The group of all clients without wid. */
  producerGroup(): WorkerGroup {
    const group = this.#groups.get(null);
    if (group !== undefined) return group;
    return this.#add(new WorkerGroup(this, null, this.parts.producerHello, null));
  }

  /** The group has neither clients nor server connections any more. */
  forget(group: WorkerGroup): void {
    if (this.#groups.get(group.worker) === group) this.#groups.delete(group.worker);
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

  /** Another worker waits for a place: the worker that holds most server connections gives one up. */
  #yieldPlace(): void {
    let largest: WorkerGroup | null = null;
    for (const group of this.#groups.values()) {
      if (group.worker !== null && group.spare > (largest?.spare ?? 0)) largest = group;
    }
    largest?.yieldPlace();
  }

  #add(group: WorkerGroup): WorkerGroup {
    this.#groups.set(group.worker, group);
    return group;
  }
}
