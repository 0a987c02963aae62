// At most so many FETCHes at Faktory. Promise: never more than the cap in flight; a free one goes
// to the workers in turn, so that none can starve another; a client whose FETCH had to wait gets nil
// 2 s after it asked, which every worker takes for an empty queue, and no job later than that.
// Each FETCH holds one connection of Faktory's Redis pool for up to 2 s (Faktory v1.7.0
// manager/fetch.go brpop); one sent after 0.8 s would work for its client for too short a time.

import type { Clock } from '../base/clock.ts';
import { type Deadline, Deadlines, NO_DEADLINE } from '../base/deadlines.ts';
import type { Limit } from '../base/limit.ts';
import { Line, type Seat } from '../base/line.ts';
import { Pump, type PumpStep } from '../base/pump.ts';
import type { LaneCounts } from './lane-counts.ts';
import { NIL } from '../protocol/replies.ts';

const SEND_WITHIN_MS = 800;
const NIL_AFTER_MS = 2000;

/** A FETCH that asks to be sent. */
export interface FetchTicket {
  /** The worker's wid; all clients without one share a turn. */
  readonly worker: string | null;
  /** It may be sent now; done() must follow when its reply has come or never will. */
  granted(): void;
}

/** One whose client waits for it alone, and would hear too late when it is sent late. */
export interface LoneTicket extends FetchTicket {
  /** The queues that it asks for. */
  queues(): readonly string[];
  /** It is answered without being sent. */
  answered(reply: Buffer): void;
  /** It was sent late, and its client's 2 s are over; whether the client has had nil. */
  late(): boolean;
}

interface Wait {
  readonly seat: Seat<FetchTicket>;
  /** Until when it may be sent. */
  readonly sendDeadline: Deadline;
  /** Until when its client waits for a job. */
  readonly nilDeadline: Deadline;
  /** The ticket, where it may be answered without being sent. */
  readonly lone: LoneTicket | null;
}

export interface FetchGovernorParts {
  /** FETCHes at Faktory. */
  readonly limit: Limit;
  readonly clock: Clock;
  readonly counts: LaneCounts;
  /** Hears of a ticket that failed when it was granted. */
  readonly onBug: (error: unknown) => void;
}

export class FetchGovernor {
  readonly #limit: Limit;
  readonly #counts: LaneCounts;
  readonly #inFlight = new Set<FetchTicket>();
  #peak = 0;
  /** Those that may still be sent, by worker, and the workers' turns. */
  readonly #sendable = new Map<string | null, Line<FetchTicket>>();
  readonly #turns = new Line<string | null>();
  readonly #turnOf = new Map<string | null, Seat<string | null>>();
  /** Those that get nil when their time is over. */
  readonly #resting = new Line<FetchTicket>();
  readonly #waits = new Map<FetchTicket, Wait>();
  /** Those that had to wait and are at Faktory, and until when their clients wait for a job. */
  readonly #sentLate = new Map<FetchTicket, Deadline>();
  readonly #sendDeadlines: Deadlines<LoneTicket>;
  readonly #nilDeadlines: Deadlines<LoneTicket>;
  /** Within its steps a free place belongs to the next in turn. */
  readonly #grants: Pump;

  constructor({ limit, clock, counts, onBug }: FetchGovernorParts) {
    this.#limit = limit;
    this.#grants = new Pump(() => this.#grantNext(), onBug);
    limit.onRaised(() => void this.#grants.run());
    this.#counts = counts;
    this.#sendDeadlines = new Deadlines(
      clock,
      () => SEND_WITHIN_MS,
      (ticket) => this.#rest(ticket),
    );
    this.#nilDeadlines = new Deadlines(
      clock,
      () => NIL_AFTER_MS,
      (ticket) => this.#timeIsOver(ticket),
    );
  }

  get inFlight(): number {
    return this.#inFlight.size;
  }

  /** The most that were ever at Faktory. */
  get peak(): number {
    return this.#peak;
  }

  get waiting(): number {
    return this.#waits.size;
  }

  /** Whether one more may be at Faktory. */
  get hasRoom(): boolean {
    return this.#limit.hasRoom(this.#inFlight.size);
  }

  /** Whether any may be at Faktory: false while FETCHes are paused. */
  get mayFetch(): boolean {
    return this.#limit.hasRoom(0);
  }

  /** Grants `ticket` now, or keeps it waiting: for 0.8 s to be sent, for 2 s to be answered with nil. */
  ask(ticket: LoneTicket): void {
    if (this.#mayGoAtOnce()) this.#grant(ticket);
    else this.#wait(ticket, ticket);
  }

  /**
   * True where `ticket` may be sent at once; else it is granted when its turn comes: those who wait for
   * it have deadlines of their own.
   */
  takeTurn(ticket: FetchTicket): boolean {
    if (this.#mayGoAtOnce()) {
      this.#enter(ticket);
      return true;
    }
    this.#wait(ticket, null);
    return false;
  }

  #enter(ticket: FetchTicket): void {
    this.#inFlight.add(ticket);
    this.#peak = Math.max(this.#peak, this.#inFlight.size);
  }

  #wait(ticket: FetchTicket, lone: LoneTicket | null): void {
    let line = this.#sendable.get(ticket.worker);
    if (line === undefined) this.#sendable.set(ticket.worker, (line = new Line()));
    const seat = line.join(ticket);
    this.#waits.set(ticket, {
      seat,
      sendDeadline: lone === null ? NO_DEADLINE : this.#sendDeadlines.add(lone),
      nilDeadline: lone === null ? NO_DEADLINE : this.#nilDeadlines.add(lone),
      lone,
    });
    if (!this.#turnOf.has(ticket.worker)) {
      this.#turnOf.set(ticket.worker, this.#turns.join(ticket.worker));
    }
  }

  /** The FETCH has been answered by Faktory, or is lost with its connection. Idempotent. */
  done(ticket: FetchTicket): void {
    this.#sentLate.get(ticket)?.cancel();
    this.#sentLate.delete(ticket);
    if (this.#inFlight.delete(ticket)) this.#grants.run();
  }

  /** The FETCH is not wanted any more; harmless for one that does not wait. */
  withdraw(ticket: FetchTicket): boolean {
    const wait = this.#takeOut(ticket);
    wait?.nilDeadline.cancel();
    return wait !== null;
  }

  /** Answers a waiting FETCH with nil; harmless for one that does not wait. */
  answerNil(ticket: LoneTicket): void {
    if (!this.withdraw(ticket)) return;
    this.#counts.fetchesAnsweredNil.total += 1;
    ticket.answered(NIL);
  }

  /** Takes out a waiting FETCH that asks for `queue`: `worker`'s own if there is one, else any. */
  takeWaiting(queue: string, worker: string | null): LoneTicket | null {
    let found: LoneTicket | null = null;
    for (const { lone: ticket } of this.#waits.values()) {
      if (ticket === null || (found !== null && ticket.worker !== worker)) continue;
      if (!ticket.queues().includes(queue)) continue;
      found = ticket;
      if (ticket.worker === worker) break;
    }
    if (found !== null) this.withdraw(found);
    return found;
  }

  #mayGoAtOnce(): boolean {
    return !this.#grants.isRunning && this.hasRoom;
  }

  /** A ticket that fails has not been sent, and nobody would say that it is done. */
  #grant(ticket: FetchTicket): void {
    this.#enter(ticket);
    let isGranted = false;
    try {
      ticket.granted();
      isGranted = true;
    } finally {
      if (!isGranted) {
        this.#inFlight.delete(ticket);
        this.#sentLate.get(ticket)?.cancel();
        this.#sentLate.delete(ticket);
      }
    }
  }

  /** Grants the next in turn. A FETCH that nobody wants any more is done as soon as it is granted. */
  #grantNext(): PumpStep {
    if (!this.hasRoom) return 'done';
    const worker = this.#turns.shift();
    if (worker === undefined) return 'done';
    this.#turnOf.delete(worker);
    const ticket = this.#sendable.get(worker)?.first;
    if (ticket === undefined) return 'more';
    const wait = this.#takeOut(ticket);
    if (this.#sendable.has(worker)) this.#turnOf.set(worker, this.#turns.join(worker));
    if (wait !== null && wait.lone !== null) this.#sentLate.set(ticket, wait.nilDeadline);
    this.#grant(ticket);
    return 'more';
  }

  /** It waits no more. */
  #takeOut(ticket: FetchTicket): Wait | null {
    const wait = this.#waits.get(ticket);
    if (wait === undefined) return null;
    this.#waits.delete(ticket);
    wait.sendDeadline.cancel();
    wait.seat.leave();
    this.#forgetIfEmpty(ticket.worker);
    return wait;
  }

  #timeIsOver(ticket: LoneTicket): void {
    if (this.#waits.has(ticket)) this.answerNil(ticket);
    else if (this.#sentLate.delete(ticket) && ticket.late()) {
      this.#counts.fetchesAnsweredNil.total += 1;
    }
  }

  /** Too late to be sent: its client would hear too late. */
  #rest(ticket: LoneTicket): void {
    const wait = this.#waits.get(ticket);
    if (wait === undefined) return;
    wait.seat.leave();
    this.#forgetIfEmpty(ticket.worker);
    this.#waits.set(ticket, { ...wait, seat: this.#resting.join(ticket) });
  }

  #forgetIfEmpty(worker: string | null): void {
    if (this.#sendable.get(worker)?.length !== 0) return;
    this.#sendable.delete(worker);
    this.#turnOf.get(worker)?.leave();
    this.#turnOf.delete(worker);
  }
}
