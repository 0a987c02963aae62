// Hot path. A client's FETCH in pooled mode, from question to answer. Promise: it is answered once, or
// never where its client has left; wherever it waits, it leaves no trace there once it is over.

import type { Deadline } from '../base/deadlines.ts';
import type { Seat } from '../base/line.ts';
import { Command, type ReplySink } from '../protocol/command.ts';
import type { QueueSet } from './queue-set.ts';

/** The client as its FETCH sees it. */
export interface FetchClient extends ReplySink {
  readonly worker: string | null;
  readonly hasLeft: boolean;
  answerFetch(fetch: ClientFetch, reply: Buffer): void;
}

/** Where a FETCH waits. */
export interface FetchHome {
  /** It has waited as long as it may for a job. */
  onTimeIsOver(fetch: ClientFetch): void;
}

export class ClientFetch extends Command {
  readonly set: QueueSet;
  readonly #client: FetchClient;
  #home: FetchHome | null = null;
  #seat: Seat<ClientFetch> | null = null;
  #deadline: Deadline | null = null;
  #askedAt = 0;
  #isOver = false;

  constructor(client: FetchClient, line: Buffer, readAt: number, set: QueueSet) {
    super('FETCH', line, readAt, client);
    this.#client = client;
    this.set = set;
  }

  get worker(): string | null {
    return this.#client.worker;
  }

  get queues(): readonly string[] {
    return this.set.queues;
  }

  get hasLeft(): boolean {
    return this.#client.hasLeft;
  }

  /**
   * When its 2 s began: one that was pipelined is read, as Faktory would read it, when those before it
   * have been answered. Monotonic ms.
   */
  get askedAt(): number {
    return this.#askedAt;
  }

  /** It has its answer, or its client has left. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** It begins to wait for a job. */
  wait(home: FetchHome, seat: Seat<ClientFetch>, deadline: Deadline, now: number): void {
    this.#home = home;
    this.#seat = seat;
    this.#deadline = deadline;
    this.#askedAt = now;
  }

  /** It waits for the end of a reply that has begun to arrive, and for no other. */
  waitForReply(deadline: Deadline): void {
    this.#leave();
    this.#deadline = deadline;
  }

  timeIsOver(): void {
    this.#home?.onTimeIsOver(this);
  }

  answered(reply: Buffer): void {
    this.withdraw();
    this.#client.answerFetch(this, reply);
  }

  /** It waits no more. */
  withdraw(): void {
    this.#isOver = true;
    this.#leave();
  }

  #leave(): void {
    this.#seat?.leave();
    this.#deadline?.cancel();
  }
}
