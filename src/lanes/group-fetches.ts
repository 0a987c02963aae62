// Hot path. The FETCHes of one worker, between its clients and its server connections. Promise: what
// fetch-sets, fetch-pace and fetch-growth decide is done here; no job that arrives is dropped.

import type { Clock } from '../base/clock.ts';
import type { Deadlines } from '../base/deadlines.ts';
import type { Turns } from '../base/turns.ts';
import { parseFetchedJob } from '../protocol/job.ts';
import { isError, isNil } from '../protocol/replies.ts';
import type { ClientFetch, FetchHome } from './client-fetch.ts';
import type { CommandTime } from './command-time.ts';
import { growth, type GrowthFacts } from './fetch-growth.ts';
import { foundWithinMs } from './fetch-flow.ts';
import { FetchPace, isSlow } from './fetch-pace.ts';
import type { FetchServer, WaitingSet } from './fetch-server.ts';
import { FetchSets } from './fetch-sets.ts';
import type { GroupServers, GroupServersParts } from './group-servers.ts';
import type { LaneCounts } from './lane-counts.ts';
import type { StrayJobs, WaitingFetches } from './stray-jobs.ts';

/**
 * Faktory's own FETCH waits 2 s before it finds nothing. One that finds nothing at once (Enterprise
 * may, where a throttle is full) would do so again: its client hears, and decides when to ask again.
 */
const NIL_AT_ONCE_MS = 100;

export interface GroupFetchesParts extends GroupServersParts {
  readonly clock: Clock;
  readonly counts: LaneCounts;
  readonly strayJobs: StrayJobs;
  readonly turns: Pick<Turns, 'now'>;
  readonly commandTime: CommandTime;
  /** Tells a FETCH when its 2 s are over. */
  readonly timeLimits: Deadlines<ClientFetch>;
  /** Tells a FETCH that waits for the end of a reply when it has waited long enough. */
  readonly replyLimits: Deadlines<ClientFetch>;
}

/** The group that they belong to. */
export interface FetchingGroup {
  readonly worker: string | null;
  /** Clients that are there. */
  readonly clients: number;
  /** A set has no FETCH for want of a place. */
  lacksPlace(): void;
}

/** The lane as its groups see it. */
export interface GroupLane extends WaitingFetches {
  readonly isDraining: boolean;
  answerNil(fetch: ClientFetch): void;
}

/** What holds while FETCHes are being sent. */
interface Turn {
  readonly now: number;
  /** FETCHes beyond the first of each set, at most. */
  readonly extraMost: number;
  readonly commandMs: number;
}

export class GroupFetches implements FetchHome {
  readonly #parts: GroupFetchesParts;
  readonly #lane: GroupLane;
  readonly #group: FetchingGroup;
  readonly #servers: GroupServers;
  readonly #sets = new FetchSets<ClientFetch, FetchServer>();
  readonly #pace = new FetchPace();

  constructor(
    parts: GroupFetchesParts,
    lane: GroupLane,
    group: FetchingGroup,
    servers: GroupServers,
  ) {
    this.#parts = parts;
    this.#lane = lane;
    this.#group = group;
    this.#servers = servers;
  }

  /** FETCHes beyond the first of each set. */
  get extra(): number {
    return this.#sets.extra;
  }

  /** Takes a client's FETCH; it will be answered. */
  ask(fetch: ClientFetch): void {
    const stray = this.#stray(fetch);
    if (stray !== null) {
      fetch.answered(stray);
      return;
    }
    if (this.#lane.isDraining) {
      this.#lane.answerNil(fetch);
      return;
    }
    const now = this.#parts.turns.now();
    const set = this.#sets.of(fetch.set.key);
    fetch.wait(this, this.#sets.join(set, fetch), this.#parts.timeLimits.add(fetch, now), now);
    if (set.kept !== null && this.#parts.governor.mayFetch) this.#send(set.kept, set, fetch, now);
    else this.pump(now);
  }

  /** Takes out the FETCH over `queue` that has waited longest. */
  takeWaiting(queue: string): ClientFetch | null {
    const longest = this.#sets.longestFor(queue, this.#parts.turns.now());
    longest?.withdraw();
    return longest;
  }

  /**
   * The bouncer stops: a FETCH that Faktory works on may still bring a job, and a client stays for each,
   * those that may wait longest; the others get nil, and no FETCH is sent any more.
   */
  drain(): void {
    this.#servers.callOff();
    for (const { waiting, flights } of this.#sets) {
      let leaving = waiting.length - flights.size;
      for (const fetch of waiting) {
        if (leaving <= 0) break;
        leaving -= 1;
        this.#lane.answerNil(fetch);
      }
    }
  }

  onTimeIsOver(fetch: ClientFetch): void {
    const set = this.#sets.of(fetch.set.key);
    const decision = this.#sets.timeIsOver(set, fetch);
    if (decision.kind === 'wait') {
      decision.flight.promiseTo(fetch);
      fetch.waitForReply(this.#parts.replyLimits.add(fetch));
      return;
    }
    fetch.withdraw();
    this.#sets.hadNil(set, this.#parts.turns.now());
    this.#lane.answerNil(fetch);
  }

  /** Sends as many FETCHes as pay off: one for each set that is asked for, more while jobs flow. */
  pump(now: number): void {
    if (this.#lane.isDraining || this.#group.clients === 0) return;
    const commandMs = this.#parts.commandTime.ms(now);
    const extraMost = this.#pace.most(this.#parts.settings.current.fetchesPerWorker) - 1;
    for (;;) {
      const next = this.#sets.next(now, extraMost, foundWithinMs(commandMs));
      if (next.kind === 'none') return;
      const server = this.#servers.takeFree();
      if (server === null) {
        if (next.kind === 'send') this.#grow(next.reason, { now, extraMost, commandMs });
        return;
      }
      this.#sets.launched(next.set, server);
      if (server.ask(next.set)) this.useTurn(server, next.set, now);
    }
  }

  /** The FETCH of `server` may be at Faktory now. */
  useTurn(server: FetchServer, set: WaitingSet, now: number): void {
    const decision = this.#sets.granted(set, now);
    switch (decision.kind) {
      case 'send':
        this.#send(server, set, decision.cause, now);
        return;
      case 'keep': {
        const { clock } = this.#parts;
        set.kept = server;
        server.keep(clock.after(decision.untilAt - now, () => this.#passOver(server, set)));
        return;
      }
      case 'drop':
        server.callOff();
    }
  }

  /** The FETCH of `server` is over: with a whole reply, or null if none will come. */
  onOver(server: FetchServer, set: WaitingSet, reply: Buffer | null): void {
    const now = this.#parts.turns.now();
    const { promisedTo, sentAt } = server;
    if (set.kept === server) set.kept = null;
    this.#sets.landed(set, server);
    const tookMs = now - sentAt;
    const isJob = reply !== null && !isNil(reply) && !isError(reply);
    if (isJob || (reply !== null && isNil(reply))) set.flow.replied(isJob, tookMs, now);
    this.#servers.rest(server, now);
    if (reply !== null && !isNil(reply)) this.#handOut(set, reply, promisedTo, now);
    else if (promisedTo !== null) this.#lane.answerNil(promisedTo);
    else if (this.#lane.isDraining || (reply !== null && tookMs < NIL_AT_ONCE_MS)) {
      this.#nothingFor(set, sentAt, now);
    }
    if (isJob) this.#notePace(tookMs, now);
    this.pump(now);
  }

  /** A FETCH that was sent at `sentAt` has found nothing, and none is sent in its stead. */
  #nothingFor(set: WaitingSet, sentAt: number, now: number): void {
    const { first } = set.waiting;
    if (first === undefined || (first.askedAt > sentAt && !this.#lane.isDraining)) return;
    first.withdraw();
    this.#sets.hadNil(set, now);
    this.#lane.answerNil(first);
  }

  /** The reply goes to a client that waits for it; a job that nobody waits for finds a taker elsewhere. */
  #handOut(set: WaitingSet, reply: Buffer, promisedTo: ClientFetch | null, now: number): void {
    let taker = this.#sets.taker(set, promisedTo, now);
    while (taker.kind === 'nil') {
      this.#lane.answerNil(taker.client);
      taker = this.#sets.taker(set, promisedTo, now);
    }
    if (taker.kind === 'client') {
      taker.client.answered(reply);
      return;
    }
    this.keepJob(reply);
  }

  /** The job in `reply` has nobody who asked for it: it finds a taker elsewhere. False if there is none. */
  keepJob(reply: Buffer): boolean {
    const job = parseFetchedJob(reply);
    if (job !== null) this.#parts.strayJobs.offer(job, this.#group.worker, this.#lane);
    return job !== null;
  }

  /** A FETCH brought a job in `tookMs`. */
  #notePace(tookMs: number, now: number): void {
    const commandMs = this.#parts.commandTime.ms(now);
    const foundMs = foundWithinMs(commandMs);
    if (tookMs >= foundMs || !this.#pace.found(tookMs, now, this.#sets.extra + 1)) return;
    const wanted = this.#sets.wanted(now, foundMs);
    const base = this.#parts.settings.current.fetchesPerWorker;
    this.#pace.decide(now, { base, limit: this.#limit(), wanted, commandMs });
  }

  #stray(fetch: ClientFetch): Buffer | null {
    const { strayJobs } = this.#parts;
    return strayJobs.size > 0 ? strayJobs.takeFor(this.#group.worker, fetch.queues) : null;
  }

  #send(server: FetchServer, set: WaitingSet, cause: ClientFetch, now: number): void {
    if (!server.isOpen) {
      server.callOff();
      return;
    }
    set.kept = null;
    this.#sets.sent(set);
    try {
      this.#parts.counts.waits.observeMs('fetch', now - cause.askedAt);
      server.send(cause, now);
    } catch (error) {
      // What it has of the FETCH, and its turn, end with it.
      server.connection.destroy('bug');
      throw error;
    }
  }

  /** Its clients stay away for longer than their turn can wait. */
  #passOver(server: FetchServer, set: WaitingSet): void {
    this.#sets.passOver(set);
    server.callOff();
  }

  #grow(reason: GrowthFacts['reason'], turn: Turn): void {
    const decision = growth({
      reason,
      wanted: reason === 'no_fetch' ? this.#sets.needy : this.#wantedExtra(turn),
      connections: this.#servers.size,
      open: this.#servers.open,
      limit: this.#limit(),
      hasFetchRoom: this.#parts.governor.hasRoom,
      isSlow: isSlow(turn.commandMs),
    });
    if (decision.kind === 'stay') return;
    for (let i = 0; i < decision.count; i += 1) {
      if (this.#servers.dial()) continue;
      if (reason === 'no_fetch') this.#group.lacksPlace();
      return;
    }
  }

  #wantedExtra({ now, extraMost, commandMs }: Turn): number {
    const wanted = this.#sets.wanted(now, foundWithinMs(commandMs));
    return Math.min(wanted, extraMost - this.#sets.extra);
  }

  /** The most server connections; each client without wid counts as a worker. */
  #limit(): number {
    const { fetchesPerWorkerMax } = this.#parts.settings.current;
    return this.#group.worker === null
      ? fetchesPerWorkerMax * this.#group.clients
      : fetchesPerWorkerMax;
  }
}
