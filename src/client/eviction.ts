// Clients that are closed because a reload has lowered a limit. Promise: only with limits.evict, only
// while there are more than a limit allows, and only those that idle-clients.ts calls idle: never one
// with a command outstanding, never one of a worker that FETCHes or BEATs; idle longest first, and at
// most so many at a time that their reconnects are no storm.

import type { Admission } from '../admission/admission.ts';
import type { Limits } from '../admission/limits.ts';
import type { Place } from '../admission/places.ts';
import type { Live } from '../base/live.ts';
import type { ClientConnections, ListedClient } from './client-connections.ts';

/** With a check each second, 9000 clients over a limit are closed in three minutes. */
export const EVICTED_PER_CHECK = 50;
/** Idle for less, a client is in use: a command may be on its way. */
const EVICTED_AFTER_MS = 1000;

export interface EvictionParts {
  readonly settings: Live<{ readonly evict: 'none' | 'idle' }>;
  readonly limits: Pick<Limits, 'clients' | 'areEnforced'>;
  readonly clients: ClientConnections;
  readonly admission: Pick<Admission, 'placesOver' | 'isOverOwnLimit'>;
}

export class Eviction {
  readonly #parts: EvictionParts;
  /** Places of clients that were closed; each is free when Faktory has closed. */
  readonly #onTheirWay = new Set<Place>();

  constructor(parts: EvictionParts) {
    this.#parts = parts;
  }

  /** Periodic, at `now` (monotonic ms). */
  check(now: number): void {
    const { settings, limits, clients, admission } = this.#parts;
    if (settings.current.evict === 'none' || !limits.areEnforced) return;
    for (const place of this.#onTheirWay) if (!place.isTaken) this.#onTheirWay.delete(place);
    // Those that are closing take a while where they do not read, and go anyway.
    let clientsOver = clients.admittable - clients.count('closing') - limits.clients.value;
    let placesOver = admission.placesOver - this.#onTheirWay.size;
    let left = EVICTED_PER_CHECK;
    for (const client of this.#idle(now)) {
      if (left === 0) return;
      const { place, request } = client;
      const isOver =
        clientsOver > 0 ||
        (placesOver > 0 && place !== null) ||
        (request !== null && admission.isOverOwnLimit(request));
      if (!isOver) continue;
      left -= 1;
      clientsOver -= 1;
      if (place !== null) {
        placesOver -= 1;
        this.#onTheirWay.add(place);
      }
      client.expire('evicted');
    }
  }

  /** Idle longest first. */
  #idle(now: number): readonly ListedClient[] {
    const idle: { readonly client: ListedClient; readonly since: number }[] = [];
    for (const client of this.#parts.clients.placed()) {
      const since = client.idleSince;
      if (since !== null && now - since >= EVICTED_AFTER_MS) idle.push({ client, since });
    }
    return idle.sort((a, b) => a.since - b.since).map(({ client }) => client);
  }
}
