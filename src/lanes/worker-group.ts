// One worker's part of the fetch lane. Promise: while it has a client, a server connection in its
// name is open or being dialled; each has at most one FETCH outstanding; FETCHes over the same set
// of queues share those in flight, more of them while jobs flow; no job that arrives is dropped.

import type { Place } from '../admission/places.ts';
import { Line } from '../base/line.ts';
import type { ServerEndReason } from '../server/server-states.ts';
import type { Hello } from '../protocol/hello.ts';
import { parseFetchedJob } from '../protocol/job.ts';
import { isError, isNil } from '../protocol/replies.ts';
import type { ServerConnection, ServerOwner } from '../server/server-connection.ts';
import { FetchInFlight } from './fetch-in-flight.ts';
import type { FetchLane } from './fetch-lane.ts';
import type { ClientFetch, PooledLane } from './pooled-lane.ts';

/**
 * Jobs flow where a FETCH finds one, rather than waits for one: when this many of a set in a row had
 * theirs within QUICK_MS, the last of them no longer than FLOWING_MS ago. A job now and then is no
 * reason for a second FETCH: 400 workers that share 200 jobs per second would each have held two or
 * more server connections, 827 in all, and hold one.
 */
const QUICK_IN_A_ROW = 3;
/** The longest way to Faktory and back, under load, that still counts as finding a job there. */
const QUICK_MS = 250;
const FLOWING_MS = 100;
/**
 * Faktory drops a worker whose BEAT is 60 s old (v1.7.0 server/workers.go reapHeartbeats). Its clock
 * for that starts before ours, when the BEAT arrives there: a second less leaves room for the way.
 */
const BEAT_TIMEOUT_MS = 59_000;
/** Sets whose turn is remembered while nobody asks for them; more are forgotten together. */
const IDLE_SETS_MAX = 256;

/** A server connection of the group. */
interface FetchServer {
  readonly connection: ServerConnection;
  readonly isFirst: boolean;
  fetch: FetchInFlight | null;
  cancelLinger: (() => void) | null;
  /** It closes as soon as it has no FETCH outstanding: another worker waits for its place. */
  yields: boolean;
}

/** FETCHes over one set of queues. */
interface SetOfFetches {
  readonly waiting: Line<ClientFetch>;
  inFlight: number;
  /** When its last FETCH was sent, counted in FETCHes; 0 before the first. */
  lastTurn: number;
  /** FETCHes in a row that found a job. */
  quickInARow: number;
  /** When Faktory last answered one, be it with nil; monotonic ms. */
  lastReplyAt: number;
}

export class WorkerGroup implements ServerOwner {
  readonly worker: string | null;
  readonly #lane: FetchLane;
  readonly #hello: Hello;
  readonly #clients = new Set<PooledLane>();
  readonly #servers = new Map<ServerConnection, FetchServer>();
  readonly #sets = new Map<string, SetOfFetches>();
  #turns = 0;
  /** For the first server connection; kept from one to the next. */
  #firstPlace: Place | null;
  #lastBeatAt: number;

  constructor(lane: FetchLane, worker: string | null, hello: Hello, place: Place | null) {
    this.#lane = lane;
    this.worker = worker;
    this.#hello = hello;
    this.#firstPlace = place;
    this.#lastBeatAt = lane.parts.clock.now();
  }

  /** Whether Faktory knows the worker: one of its server connections is open. */
  get isKnown(): boolean {
    return this.#openServers() > 0;
  }

  /** Server connections that it can do without. */
  get spare(): number {
    let spare = 0;
    for (const { isFirst, yields } of this.#servers.values()) if (!isFirst && !yields) spare += 1;
    return spare;
  }

  /** Gives up the server connection that it can spare soonest. */
  yieldPlace(): void {
    let busy: FetchServer | null = null;
    for (const server of this.#servers.values()) {
      if (server.isFirst || server.yields) continue;
      if (this.#callOff(server)) {
        server.yields = true;
        server.connection.close('yielded');
        return;
      }
      busy ??= server;
    }
    if (busy !== null) busy.yields = true;
  }

  join(client: PooledLane): void {
    this.#clients.add(client);
    // Also in a group of before: with nobody there its first server connection has closed, while
    // another has a FETCH to wait for.
    if (this.worker !== null && !this.#hasFirst()) this.#dial(true);
    if (this.isKnown || this.worker === null) client.onKnown();
  }

  leave(client: PooledLane): void {
    this.#clients.delete(client);
    if (this.#clients.size === 0) this.#dissolve();
  }

  /** BEAT was answered: Faktory has heard of the worker. */
  onBeat(): void {
    this.#lastBeatAt = this.#lane.parts.clock.now();
  }

  /**
   * The bouncer stops: a FETCH that Faktory works on may still bring a job, and a client stays for
   * each; the others get nil, and no FETCH is sent any more.
   */
  drain(): void {
    for (const server of this.#servers.values()) this.#callOff(server);
    for (const set of this.#sets.values()) {
      let stay = set.inFlight;
      for (const fetch of set.waiting) {
        if (stay > 0) stay -= 1;
        else fetch.answerNil();
      }
    }
  }

  /** Takes a client's FETCH; it will be answered. */
  ask(fetch: ClientFetch): void {
    const stray = this.#stray(fetch);
    if (stray !== null) {
      fetch.answer(stray);
      return;
    }
    if (this.#lane.isDraining) {
      fetch.answerNil();
      return;
    }
    let set = this.#sets.get(fetch.set.key);
    if (set === undefined) {
      if (this.#sets.size >= IDLE_SETS_MAX) this.#forgetIdleSets();
      set = {
        waiting: new Line(),
        inFlight: 0,
        lastTurn: 0,
        quickInARow: 0,
        lastReplyAt: -Infinity,
      };
      this.#sets.set(fetch.set.key, set);
    }
    fetch.wait(set.waiting.join(fetch), this.#lane.nilDeadlines.add(fetch));
    this.#pump();
  }

  /** Takes out the FETCH over `queue` that has waited longest. */
  takeWaiting(queue: string): ClientFetch | null {
    let longest: ClientFetch | null = null;
    for (const { waiting } of this.#sets.values()) {
      const first = waiting.first;
      if (first === undefined || !first.set.queues.includes(queue)) continue;
      if (longest === null || first.command.readAt < longest.command.readAt) longest = first;
    }
    longest?.withdraw();
    return longest;
  }

  onOpen(opened: ServerConnection): void {
    // Faktory's record of a worker begins with its first connection, and so does the time to BEAT.
    if (this.#openServers() === 1) this.#lastBeatAt = this.#lane.parts.clock.now();
    for (const client of this.#clients) client.onKnown();
    this.#pump();
    // What it was dialled for may have got its job meanwhile.
    const server = this.#servers.get(opened);
    if (server !== undefined && server.fetch === null) this.#startLinger(server);
  }

  onAnswered(connection: ServerConnection): void {
    const server = this.#servers.get(connection);
    if (server !== undefined && this.#clients.size === 0) connection.close('client_gone');
  }

  onEnd(connection: ServerConnection, reason: ServerEndReason): void {
    const server = this.#servers.get(connection);
    if (server === undefined) return;
    server.cancelLinger?.();
    this.#servers.delete(connection);
    this.#callOff(server);
    if (this.#clients.size === 0) {
      this.#dissolve();
      return;
    }
    if (this.#wasExpired(reason)) {
      for (const client of [...this.#clients]) client.expireWorker();
      return;
    }
    if (server.isFirst) this.#dial(true);
    else this.#pump();
  }

  /** Whether anybody waits for what the FETCH, not sent yet, would bring. */
  wants(fetch: FetchInFlight): boolean {
    const set = this.#sets.get(fetch.setKey);
    return set !== undefined && set.waiting.length > 0;
  }

  /** The FETCH in flight may be sent: the governor has granted it. */
  send(fetch: FetchInFlight): void {
    const { counts, clock } = this.#lane.parts;
    fetch.sentAt = clock.now();
    counts.waits.observeMs('fetch', fetch.sentAt - fetch.command.readAt);
    fetch.server.send(fetch.command);
  }

  jobWasCut(): void {
    this.#lane.parts.strayJobs.leaveReserved();
  }

  /** A whole reply to the FETCH in flight, or null where none will come. */
  landed(fetch: FetchInFlight, reply: Buffer | null): void {
    const server = this.#servers.get(fetch.server);
    if (server?.fetch === fetch) server.fetch = null;
    if (server?.yields === true) server.connection.close('yielded');
    const set = this.#sets.get(fetch.setKey);
    if (set !== undefined) {
      set.inFlight -= 1;
      if (reply !== null) this.#noteFlow(set, fetch, reply);
    }
    if (reply !== null && !isNil(reply)) this.#handOut(fetch, reply);
    else if (this.#lane.isDraining) set?.waiting.first?.answerNil();
    if (this.#clients.size > 0) this.#pump();
    if (server !== undefined && server.fetch === null) this.#startLinger(server);
  }

  #handOut(fetch: FetchInFlight, reply: Buffer): void {
    const taker = this.#sets.get(fetch.setKey)?.waiting.shift();
    if (taker !== undefined) {
      taker.answer(reply);
      return;
    }
    const job = parseFetchedJob(reply);
    if (job !== null) this.#lane.parts.strayJobs.offer(job, this.worker, this.#lane);
  }

  #noteFlow(set: SetOfFetches, fetch: FetchInFlight, reply: Buffer): void {
    if (isError(reply)) return;
    const now = this.#lane.parts.clock.now();
    const isQuick = !isNil(reply) && now - fetch.sentAt < QUICK_MS;
    set.quickInARow = isQuick ? set.quickInARow + 1 : 0;
    set.lastReplyAt = now;
  }

  #stray(fetch: ClientFetch): Buffer | null {
    const { strayJobs } = this.#lane.parts;
    return strayJobs.size > 0 ? strayJobs.takeFor(this.worker, fetch.set.queues) : null;
  }

  #hasFirst(): boolean {
    for (const { isFirst } of this.#servers.values()) if (isFirst) return true;
    return false;
  }

  #openServers(): number {
    let open = 0;
    for (const { connection } of this.#servers.values()) {
      if (connection.state === 'open') open += 1;
    }
    return open;
  }

  /** Sends as many FETCHes as pay off: one for each set that is asked for, more while jobs flow. */
  #pump(): void {
    if (this.#lane.isDraining) return;
    let wantsMore = this.#nextSet();
    if (wantsMore === null) return;
    for (const server of this.#servers.values()) {
      if (server.fetch !== null || server.yields || server.connection.state !== 'open') continue;
      this.#fly(server, wantsMore);
      wantsMore = this.#nextSet();
      if (wantsMore === null) return;
    }
    this.#grow();
  }

  /** Only when they are many: a set that is forgotten between two FETCHes loses its turn. */
  #forgetIdleSets(): void {
    for (const [key, set] of this.#sets) {
      if (set.inFlight === 0 && set.waiting.length === 0) this.#sets.delete(key);
    }
  }

  /** The key of the set whose turn it is to get one more FETCH. */
  #nextSet(): string | null {
    const now = this.#lane.parts.clock.now();
    let next: string | null = null;
    let itsTurn = Infinity;
    for (const [key, set] of this.#sets) {
      const { waiting, inFlight } = set;
      if (waiting.length === 0 || set.lastTurn >= itsTurn) continue;
      if (inFlight > 0 && (inFlight >= waiting.length || !isFlowing(set, now))) continue;
      next = key;
      itsTurn = set.lastTurn;
    }
    return next;
  }

  #fly(server: FetchServer, key: string): void {
    const set = this.#sets.get(key);
    const first = set?.waiting.first;
    if (set === undefined || first === undefined) return;
    server.cancelLinger?.();
    server.cancelLinger = null;
    this.#turns += 1;
    set.lastTurn = this.#turns;
    set.inFlight += 1;
    server.fetch = new FetchInFlight(this, server.connection, first, this.#lane.parts.governor);
    this.#lane.parts.governor.askForTurn(server.fetch);
  }

  /** One dial at a time: whether another is needed is asked again when it is open. */
  #grow(): void {
    const { parts } = this.#lane;
    if (this.#servers.size >= parts.settings.current.fetchesPerWorker) return;
    for (const { connection } of this.#servers.values()) {
      if (connection.state !== 'open') return;
    }
    this.#dial(this.worker === null && this.#servers.size === 0);
  }

  #dial(isFirst: boolean): void {
    const { parts } = this.#lane;
    const role = this.worker === null ? 'producer' : 'worker';
    const place = isFirst && this.#firstPlace !== null ? this.#firstPlace : parts.places.take(role);
    if (place === null) return;
    if (isFirst) this.#firstPlace = place;
    const connection = parts.servers.open({
      lane: 'fetch',
      hello: this.#hello,
      place: isFirst ? { release: () => {} } : place,
      owner: this,
      dialReason: isFirst ? 'first' : 'growth',
      isShared: true,
    });
    this.#servers.set(connection, {
      connection,
      isFirst,
      fetch: null,
      cancelLinger: null,
      yields: false,
    });
  }

  /** Beyond the first, a server connection without a FETCH closes after a while. */
  #startLinger(server: FetchServer): void {
    if (server.isFirst || server.cancelLinger !== null || this.#clients.size === 0) return;
    const deadline = this.#lane.lingerDeadlines.add(() => {
      server.cancelLinger = null;
      if (server.fetch === null) server.connection.close('idle');
    });
    server.cancelLinger = () => deadline.cancel();
  }

  /** A FETCH that has not been sent yet is not wanted any more; false for one that was sent. */
  #callOff(server: FetchServer): boolean {
    const { fetch } = server;
    if (fetch === null) return true;
    if (!this.#lane.parts.governor.withdraw(fetch)) return false;
    server.fetch = null;
    const set = this.#sets.get(fetch.setKey);
    if (set !== undefined) set.inFlight -= 1;
    return true;
  }

  /** No client is left: what has no FETCH outstanding closes; when all have closed, nothing remains. */
  #dissolve(): void {
    for (const server of this.#servers.values()) {
      if (this.#callOff(server)) server.connection.close('client_gone');
    }
    if (this.#servers.size > 0 || this.#clients.size > 0) return;
    this.#lane.forget(this);
    this.#firstPlace?.release();
    this.#firstPlace = null;
  }

  /** Faktory closed on a worker that had not said BEAT for too long: on purpose. */
  #wasExpired(reason: ServerEndReason): boolean {
    if (this.worker === null || (reason !== 'server_closed' && reason !== 'server_reset'))
      return false;
    return this.#lane.parts.clock.now() - this.#lastBeatAt >= BEAT_TIMEOUT_MS;
  }
}

function isFlowing({ quickInARow, lastReplyAt }: SetOfFetches, now: number): boolean {
  return quickInARow >= QUICK_IN_A_ROW && now - lastReplyAt < FLOWING_MS;
}
