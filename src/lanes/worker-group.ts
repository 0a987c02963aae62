// One worker in the fetch lane, or all clients without wid together. Promise: while a worker has a
// client, a server connection in its name is open or being dialled; one that Faktory has dropped on
// purpose is not revived; with neither clients nor server connections, nothing remains.

import type { Place } from '../admission/places.ts';
import type { Hello } from '../protocol/hello.ts';
import type { ServerEndReason } from '../server/server-states.ts';
import type { ClientFetch } from './client-fetch.ts';
import type { FetchServer, FetchServerGroup, WaitingSet } from './fetch-server.ts';
import { type FetchingGroup, GroupFetches, type GroupFetchesParts } from './group-fetches.ts';
import type { GroupLane } from './group-fetches.ts';
import { GroupServers } from './group-servers.ts';

/**
 * Faktory drops a worker whose BEAT is 60 s old (v1.7.0 server/workers.go reapHeartbeats). Its clock
 * for that starts before ours, when the BEAT arrives there: a second less leaves room for the way.
 */
const BEAT_TIMEOUT_MS = 59_000;

/** A client of the group. */
export interface GroupClient {
  /** Faktory knows the worker (again). */
  onKnown(): void;
  /** Faktory has dropped the worker for want of BEATs. */
  expireWorker(): void;
}

/** The lane as its workers see it. */
export interface WorkerLane extends GroupLane {
  /** A set of the group has no FETCH for want of a place. */
  lacksPlace(group: WorkerGroup): void;
  /** The group has neither clients nor server connections any more. */
  forget(group: WorkerGroup): void;
}

export interface WorkerGroupOptions {
  /** The worker's wid; null for all clients without one. */
  readonly worker: string | null;
  readonly hello: Hello;
  /** For the first server connection, where the client that made the group has brought one. */
  readonly place: Place | null;
}

export class WorkerGroup implements FetchServerGroup, FetchingGroup {
  readonly worker: string | null;
  readonly #parts: GroupFetchesParts;
  readonly #lane: WorkerLane;
  readonly #clients = new Set<GroupClient>();
  readonly #servers: GroupServers;
  readonly #fetches: GroupFetches;
  #lastBeatAt: number;

  constructor(parts: GroupFetchesParts, lane: WorkerLane, options: WorkerGroupOptions) {
    this.#parts = parts;
    this.#lane = lane;
    this.worker = options.worker;
    this.#servers = new GroupServers(parts, this, options);
    this.#fetches = new GroupFetches(parts, lane, this, this.#servers);
    this.#lastBeatAt = parts.turns.now();
  }

  get clients(): number {
    return this.#clients.size;
  }

  /** Whether Faktory knows the worker: one of its server connections is open. */
  get isKnown(): boolean {
    return this.#servers.open > 0;
  }

  /** Server connections that it can do without. */
  get spare(): number {
    return this.#servers.spare;
  }

  /** FETCHes beyond the first of each set. */
  get extra(): number {
    return this.#fetches.extra;
  }

  join(client: GroupClient): void {
    this.#clients.add(client);
    // Also in an earlier group: with nobody there its first server connection has closed, while another
    // has a FETCH to wait for.
    if (this.worker !== null && !this.#servers.hasFirst) this.#servers.dial();
    if (this.isKnown || this.worker === null) client.onKnown();
  }

  leave(client: GroupClient): void {
    this.#clients.delete(client);
    if (this.#clients.size === 0) this.#dissolve();
  }

  /** BEAT was answered: Faktory has heard of the worker. */
  onBeat(): void {
    this.#lastBeatAt = this.#parts.turns.now();
  }

  /** Takes a client's FETCH; it will be answered. */
  ask(fetch: ClientFetch): void {
    this.#fetches.ask(fetch);
  }

  /** A client has left that was handed `reply`. False if there is no job in it. */
  keepJob(reply: Buffer): boolean {
    return this.#fetches.keepJob(reply);
  }

  /** The bouncer stops. */
  drain(): void {
    this.#fetches.drain();
  }

  /** Takes out the FETCH over `queue` that has waited longest. */
  takeWaiting(queue: string): ClientFetch | null {
    return this.#fetches.takeWaiting(queue);
  }

  /** Gives up the server connection that it can spare soonest. */
  yieldPlace(): void {
    this.#servers.yieldPlace();
  }

  lacksPlace(): void {
    this.#lane.lacksPlace(this);
  }

  /** There is a place again. */
  onPlaceFreed(): void {
    this.#fetches.pump(this.#parts.turns.now());
  }

  onServerOpen(opened: FetchServer): void {
    const now = this.#parts.turns.now();
    this.#servers.rest(opened, now);
    if (this.#servers.open === 1) {
      // Faktory's record of a worker begins with its first connection, and so does the time to BEAT.
      this.#lastBeatAt = now;
      for (const client of this.#clients) client.onKnown();
    }
    this.#fetches.pump(now);
  }

  onServerAnswered(server: FetchServer): void {
    if (this.#clients.size === 0) server.connection.close('client_gone');
  }

  /** Perhaps it has had no FETCH for pool.linger. */
  onServerLingered(server: FetchServer): void {
    this.#servers.onLingered(server, this.#parts.turns.now());
  }

  onServerEnd(server: FetchServer, reason: ServerEndReason): void {
    this.#servers.onEnd(server);
    if (this.#clients.size === 0) {
      this.#dissolve();
    } else if (this.#wasExpired(reason)) {
      for (const client of [...this.#clients]) client.expireWorker();
    } else if (server.isFirst) {
      this.#servers.dial();
    } else {
      this.#fetches.pump(this.#parts.turns.now());
    }
  }

  onFetchGranted(server: FetchServer, set: WaitingSet): void {
    this.#fetches.useTurn(server, set, this.#parts.turns.now());
  }

  onFetchOver(server: FetchServer, set: WaitingSet, reply: Buffer | null): void {
    this.#fetches.onOver(server, set, reply);
  }

  onJobCut(): void {
    this.#parts.strayJobs.leaveReserved();
  }

  /** No client is left: what has no FETCH outstanding closes; when all have closed, nothing remains. */
  #dissolve(): void {
    if (this.#servers.closeAll() && this.#clients.size === 0) this.#lane.forget(this);
  }

  /** Faktory closed on a worker that had not said BEAT for too long: on purpose. */
  #wasExpired(reason: ServerEndReason): boolean {
    if (this.worker === null || (reason !== 'server_closed' && reason !== 'server_reset'))
      return false;
    return this.#parts.turns.now() - this.#lastBeatAt >= BEAT_TIMEOUT_MS;
  }
}
