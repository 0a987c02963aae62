// Hot path. A server connection of one worker's fetch lane. Promise: at most one FETCH is on it; the
// FETCH governor knows of that from the question to the answer, once, and the group hears how it
// ended, once.
//
//   idle -> asking -> sent -> idle      asking: for its turn under limits.fetches_in_flight
//             |-> kept -^      |        kept: until a client asks for its set again
//             |_____|__________|        called off, or lost with its connection

import type { Place } from '../admission/places.ts';
import { check } from '../base/check.ts';
import type { Timer } from '../base/clock.ts';
import type { LostFate } from '../protocol/after-loss.ts';
import { Command, type ReplySink } from '../protocol/command.ts';
import type { Hello } from '../protocol/hello.ts';
import type { ServerConnection, ServerOwner } from '../server/server-connection.ts';
import type { ServerConnections } from '../server/server-connections.ts';
import type { ServerEndReason } from '../server/server-states.ts';
import type { Acknowledgements } from './acknowledgements.ts';
import type { ClientFetch } from './client-fetch.ts';
import type { FetchGovernor, FetchTicket } from './fetch-governor.ts';
import type { FetchSet, Flight } from './fetch-sets.ts';

export type WaitingSet = FetchSet<ClientFetch, FetchServer>;

/** The group that the server connection belongs to. */
export interface FetchServerGroup {
  readonly worker: string | null;
  onServerOpen(server: FetchServer): void;
  /** A reply has come to its end, and all that it led to has been done. */
  onServerAnswered(server: FetchServer): void;
  /** Perhaps it has had no FETCH for pool.linger. */
  onServerLingered(server: FetchServer): void;
  onServerEnd(server: FetchServer, reason: ServerEndReason): void;
  /** Its FETCH may be at Faktory now: the group sends it, keeps it or calls it off. */
  onFetchGranted(server: FetchServer, set: WaitingSet): void;
  /** Its FETCH is over: with a whole reply, or null if none will come. */
  onFetchOver(server: FetchServer, set: WaitingSet, reply: Buffer | null): void;
  /** The connection was lost inside a job: the job is Faktory's until its reservation runs out. */
  onJobCut(): void;
}

export interface FetchServerParts {
  readonly servers: ServerConnections;
  readonly governor: FetchGovernor;
  /** Hears what Faktory's replies tell of its Redis. */
  readonly acknowledgements: Pick<Acknowledgements, 'judge'>;
}

export interface FetchServerOptions {
  readonly hello: Hello;
  readonly place: Pick<Place, 'release'>;
  /** Whether it is the one that keeps the worker known to Faktory. */
  readonly isFirst: boolean;
}

export class FetchServer implements ServerOwner, FetchTicket, ReplySink, Flight<ClientFetch> {
  readonly isFirst: boolean;
  readonly connection: ServerConnection;
  /** It closes as soon as it has no FETCH outstanding: somebody else waits for its place. */
  yields = false;
  /** When it last had no FETCH any more, monotonic ms. Owned by the group. */
  idleSince = 0;
  /** Whether it is told when it has been idle for long. Owned by the group. */
  lingers = false;
  readonly #group: FetchServerGroup;
  readonly #governor: FetchGovernor;
  readonly #acknowledgements: FetchServerParts['acknowledgements'];
  #stage: 'idle' | 'asking' | 'kept' | 'sent' = 'idle';
  /** What its FETCH is for; null when idle. */
  #set: WaitingSet | null = null;
  #sentAt = 0;
  /** The FETCH that is at Faktory; null for none. */
  #command: Command | null = null;
  #promisedTo: ClientFetch | null = null;
  #keptTimer: Timer | null = null;

  constructor(parts: FetchServerParts, group: FetchServerGroup, options: FetchServerOptions) {
    const { hello, place, isFirst } = options;
    this.isFirst = isFirst;
    this.#group = group;
    this.#governor = parts.governor;
    this.#acknowledgements = parts.acknowledgements;
    this.connection = parts.servers.open({
      lane: 'fetch',
      hello,
      place,
      owner: this,
      dialReason: isFirst ? 'first' : 'growth',
      isShared: true,
    });
  }

  get worker(): string | null {
    return this.#group.worker;
  }

  get isOpen(): boolean {
    return this.connection.state === 'open';
  }

  /** Whether it can carry a FETCH. */
  get isFree(): boolean {
    return this.#stage === 'idle' && !this.yields && this.isOpen;
  }

  /** Whether a FETCH is at Faktory over it. */
  get isBusy(): boolean {
    return this.#stage === 'sent';
  }

  /** When its FETCH was last sent, monotonic ms. */
  get sentAt(): number {
    return this.#sentAt;
  }

  get replyIsArriving(): boolean {
    return this.#stage === 'sent' && this.connection.isReplyArriving;
  }

  /** The client that waits for the end of this reply alone, and is still there. */
  get promisedTo(): ClientFetch | null {
    return this.#promisedTo?.isOver === false ? this.#promisedTo : null;
  }

  promiseTo(client: ClientFetch): void {
    this.#promisedTo = client;
  }

  /** Takes on a FETCH for `set`; true if it may be sent at once. */
  ask(set: WaitingSet): boolean {
    check(this.#stage === 'idle', 'a server connection has two FETCHes');
    this.#stage = 'asking';
    this.#set = set;
    this.#promisedTo = null;
    return this.#governor.takeTurn(this);
  }

  granted(): void {
    if (this.#set !== null) this.#group.onFetchGranted(this, this.#set);
  }

  /** Sends the FETCH with the line of `cause`: Faktory sees that client's order of queues. */
  send(cause: ClientFetch, now: number): void {
    this.#stopKeeping();
    this.#stage = 'sent';
    this.#sentAt = now;
    this.#command = new Command('FETCH', cause.line, cause.readAt, this);
    this.connection.send(this.#command);
  }

  /** Keeps the FETCH unsent until `timer` calls it off. */
  keep(timer: Timer): void {
    this.#stage = 'kept';
    this.#keptTimer = timer;
  }

  /** A FETCH that has not been sent is not wanted any more; false for one that was sent. */
  callOff(): boolean {
    if (this.#stage === 'sent') return false;
    this.#governor.withdraw(this);
    this.#finish(null);
    return true;
  }

  lingered(): void {
    this.#group.onServerLingered(this);
  }

  onOpen(): void {
    this.#group.onServerOpen(this);
  }

  onAnswered(): void {
    this.#group.onServerAnswered(this);
  }

  onEnd(_connection: ServerConnection, reason: ServerEndReason): void {
    this.callOff();
    this.#group.onServerEnd(this, reason);
  }

  onReply(command: Command, reply: Buffer): void {
    this.#command = null;
    let told: Buffer | null = null;
    try {
      told = this.#acknowledgements.judge(command, reply);
    } finally {
      // Whatever is thrown, Faktory works on it no more.
      this.#finish(told);
    }
  }

  onLost(command: Command, fate: LostFate): void {
    // One that was answered before something failed: by now there may be another.
    if (command !== this.#command) return;
    this.#command = null;
    this.#finish(null);
    if (fate === 'partly_answered') this.#group.onJobCut();
  }

  #finish(reply: Buffer | null): void {
    const set = this.#set;
    if (set === null) return;
    this.#stopKeeping();
    this.#stage = 'idle';
    this.#set = null;
    this.#governor.done(this);
    this.#group.onFetchOver(this, set, reply);
  }

  #stopKeeping(): void {
    this.#keptTimer?.cancel();
    this.#keptTimer = null;
  }
}
