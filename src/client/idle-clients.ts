// Clients that hold a connection and do nothing. Promise: in session mode the one that has been idle
// longest gives its place to a client that waits, never one with a command outstanding, never one
// of a worker that FETCHes or BEATs; with limits.idle_timeout each is closed when its time is over.

import type { Admission, PlacesWanted } from '../admission/admission.ts';
import { Crowd } from '../admission/crowd.ts';
import type { Place } from '../admission/places.ts';
import type { Clock } from '../base/clock.ts';
import type { Live } from '../base/live.ts';
import type { ClientConnections, ListedClient } from './client-connections.ts';
import type { ClientEvents } from './client-events.ts';

/**
 * Idle for less, a client is in use: to close it would take its place from one that comes back for
 * it, and a command that is on its way would be lost.
 */
const RECLAIMED_AFTER_MS = 1000;
/** Idle for longer, a client counts as one that nobody uses. */
const UNUSED_AFTER_MS = 60_000;

export interface IdleClientsParts {
  readonly clock: Clock;
  /** 0: no limit. */
  readonly settings: Live<{ readonly idleTimeoutMs: number }>;
  readonly clients: ClientConnections;
  readonly admission: Admission;
  readonly events: ClientEvents;
}

/** An idle client and the place that it would give. */
interface Candidate {
  readonly client: ListedClient;
  readonly place: Place;
  readonly since: number;
}

export class IdleClients {
  readonly #parts: IdleClientsParts;
  /** Connections by worker that have sent FETCH or BEAT: all of such a worker are in use. */
  readonly #working = new Crowd();
  /** Places of clients that were closed for others; each is free when Faktory has closed. */
  readonly #onTheirWay = new Set<Place>();
  /** Nobody has been idle for long enough before this; monotonic ms. */
  #notBefore = 0;

  constructor(parts: IdleClientsParts) {
    this.#parts = parts;
  }

  /** A connection of worker `wid` has sent its first FETCH or BEAT. */
  works(wid: string): void {
    this.#working.enter(wid);
  }

  /** Such a connection has ended. */
  worksNoMore(wid: string): void {
    this.#working.leave(wid);
  }

  isWorking(wid: string): boolean {
    return this.#working.inside(wid) > 0;
  }

  /** A client has begun to wait; also periodic. */
  makeRoom(): void {
    const now = this.#parts.clock.now();
    if (now < this.#notBefore) return;
    const wanted = this.#wanted();
    if (wanted.any + wanted.workers > 0) this.#reclaim(wanted, now);
  }

  /** Periodic, at `now` (monotonic ms): closes those whose time is over. */
  check(now: number): void {
    const { settings, clients } = this.#parts;
    const { idleTimeoutMs } = settings.current;
    if (idleTimeoutMs === 0) return;
    for (const client of [...clients.placed()]) {
      const since = client.idleSince;
      if (since !== null && now - since >= idleTimeoutMs) client.expire('idle_timeout');
    }
  }

  /** How many have been idle for a minute or more at `now` (monotonic ms). */
  unused(now: number): number {
    let unused = 0;
    for (const { idleSince } of this.#parts.clients.placed()) {
      if (idleSince !== null && now - idleSince >= UNUSED_AFTER_MS) unused += 1;
    }
    return unused;
  }

  /** How many places are waited for, without those on their way. */
  #wanted(): PlacesWanted {
    for (const place of this.#onTheirWay) if (!place.isTaken) this.#onTheirWay.delete(place);
    const { any, workers } = this.#parts.admission.placesWanted;
    const left = Math.max(0, any + workers - this.#onTheirWay.size);
    return { any: Math.min(any, left), workers: Math.min(workers, left) };
  }

  #reclaim(wanted: PlacesWanted, now: number): void {
    let { any, workers } = wanted;
    for (const { client, place, since } of this.#candidates(wanted)) {
      if (now - since < RECLAIMED_AFTER_MS) {
        this.#notBefore = since + RECLAIMED_AFTER_MS;
        return;
      }
      if (workers > 0 && place.role === 'worker') workers -= 1;
      else if (any > 0) any -= 1;
      else continue;
      this.#onTheirWay.add(place);
      this.#parts.events.reclaimed((now - since) / 1000);
      client.expire('reclaimed');
      if (any + workers === 0) return;
    }
    // Who is not idle now, is not for long enough before this.
    this.#notBefore = now + RECLAIMED_AFTER_MS;
  }

  /** Idle longest first. A worker's place alone is of use to a worker where workers hold all they may. */
  #candidates({ any }: PlacesWanted): Candidate[] {
    const candidates: Candidate[] = [];
    for (const client of this.#parts.clients.placed()) {
      const { place, idleSince: since } = client;
      if (place === null || since === null || (any === 0 && place.role !== 'worker')) continue;
      candidates.push({ client, place, since });
    }
    return candidates.sort((a, b) => a.since - b.since);
  }
}
