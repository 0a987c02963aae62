// A FETCH of a worker's group on one server connection. Promise: the governor knows of it from the
// question to the answer, once, and the group hears how it ended, once.

import type { LostFate } from '../protocol/after-loss.ts';
import { Command, type ReplySink } from '../protocol/command.ts';
import type { ServerConnection } from '../server/server-connection.ts';
import type { FetchGovernor, FetchTicket } from './fetch-governor.ts';
import type { ClientFetch } from './pooled-lane.ts';

/** The group that the FETCH belongs to. */
export interface FetchGroup {
  readonly worker: string | null;
  wants(fetch: FetchInFlight): boolean;
  send(fetch: FetchInFlight): void;
  landed(fetch: FetchInFlight, reply: Buffer | null): void;
  /** The connection was lost inside a job: the job is Faktory's until its reservation runs out. */
  jobWasCut(): void;
}

export class FetchInFlight implements FetchTicket, ReplySink {
  readonly server: ServerConnection;
  readonly setKey: string;
  /** With the line of the client that caused it: Faktory sees that client's order of queues. */
  readonly command: Command;
  /** When it was sent, monotonic ms; 0 before. */
  sentAt = 0;
  readonly #group: FetchGroup;
  readonly #governor: FetchGovernor;

  constructor(
    group: FetchGroup,
    server: ServerConnection,
    cause: ClientFetch,
    governor: FetchGovernor,
  ) {
    this.#group = group;
    this.server = server;
    this.setKey = cause.set.key;
    this.command = new Command('FETCH', cause.command.line, cause.command.readAt, this);
    this.#governor = governor;
  }

  get worker(): string | null {
    return this.#group.worker;
  }

  granted(): void {
    if (this.server.state === 'open' && this.#group.wants(this)) this.#group.send(this);
    else this.#land(null);
  }

  onReply(_command: Command, reply: Buffer): void {
    this.#land(reply);
  }

  onLost(_command: Command, fate: LostFate): void {
    if (fate === 'partly_answered') this.#group.jobWasCut();
    this.#land(null);
  }

  #land(reply: Buffer | null): void {
    this.#governor.done(this);
    this.#group.landed(this, reply);
  }
}
