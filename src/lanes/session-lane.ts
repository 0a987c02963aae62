// Hot path. Session mode: one client, one server connection of its own. Promise: commands and
// replies pass byte for byte and in order; a FETCH goes through the governor; when the client
// leaves, its server connection stays until a FETCH at Faktory has been answered.

import type { ServerEndReason } from '../server/server-states.ts';
import type { LostFate } from '../protocol/after-loss.ts';
import { Command, fetchQueues, type ReplySink } from '../protocol/command.ts';
import type { Hello } from '../protocol/hello.ts';
import { parseFetchedJob } from '../protocol/job.ts';
import { NIL } from '../protocol/replies.ts';
import type { HeldPlace, ServerConnection, ServerOwner } from '../server/server-connection.ts';
import type { ServerConnections } from '../server/server-connections.ts';
import type { Acknowledgements } from './acknowledgements.ts';
import type { FetchGovernor, LoneTicket } from './fetch-governor.ts';
import type { Lane, LaneClient } from './lane.ts';
import type { RoundTrips } from './round-trips.ts';
import { SessionSender, type SenderClient, type SessionSenderParts } from './session-sender.ts';
import type { StrayJobs } from './stray-jobs.ts';

/** Commands that one client may pipeline; Faktory answers them one after another anyway. */
const PIPELINE_DEPTH = 64;
/** Past this, what a client pipelines waits for replies, whatever its depth. */
const UNSENT_BYTES_MAX = 256 * 1024;

export interface SessionLaneParts extends SessionSenderParts {
  readonly servers: ServerConnections;
  readonly governor: FetchGovernor;
  readonly strayJobs: StrayJobs;
  readonly acknowledgements: Acknowledgements;
  readonly roundTrips: RoundTrips;
}

export class SessionLane implements Lane, ReplySink, ServerOwner, LoneTicket, SenderClient {
  readonly isShared = false;
  readonly #parts: SessionLaneParts;
  readonly #client: LaneClient;
  /** Whose FETCH it is; a client may have become a worker's since the lane was opened. */
  #worker: string | null;
  readonly #server: ServerConnection;
  readonly #sender: SessionSender;
  /** The one FETCH that is waiting or in flight. */
  #fetch: Command | null = null;
  #fetchIsSent = false;
  /** A FETCH at Faktory whose client has had nil: what it brings is for whoever asks next. */
  #late: Command | null = null;
  /** What the client has said since; it waits until that FETCH has been answered. */
  #next: Command | null = null;
  #clientIsHere = true;

  constructor(parts: SessionLaneParts, client: LaneClient, hello: Hello, place: HeldPlace) {
    this.#parts = parts;
    this.#client = client;
    this.#worker = client.worker;
    this.#server = parts.servers.open({
      lane: 'session',
      hello,
      place,
      owner: this,
      dialReason: 'first',
      isShared: false,
    });
    this.#sender = new SessionSender(parts, this, this.#server);
  }

  get worker(): string | null {
    return this.#worker;
  }

  onOpen(): void {
    this.#client.onLaneReady();
  }

  accepts(outstanding: number): boolean {
    if (outstanding === 0) return true;
    if (this.#late !== null) return false;
    if (!this.#sender.mayPipeline) return false;
    return outstanding < PIPELINE_DEPTH && this.#server.bufferedBytes < UNSENT_BYTES_MAX;
  }

  submit(verb: Command['verb'], line: Buffer, readAt: number): void {
    const command = new Command(verb, line, readAt, this);
    if (this.#late === null) this.#take(command);
    else this.#next = command;
  }

  #take(command: Command): void {
    if (command.verb !== 'FETCH') {
      this.#sender.submit(command);
      return;
    }
    this.#fetch = command;
    this.#fetchIsSent = false;
    this.#worker = this.#client.worker;
    const { governor, strayJobs } = this.#parts;
    const stray = strayJobs.size > 0 ? strayJobs.takeFor(this.worker, this.queues()) : null;
    if (stray !== null) this.answered(stray);
    else governor.ask(this);
  }

  queues(): readonly string[] {
    return this.#fetch === null ? [] : fetchQueues(this.#fetch.line);
  }

  granted(): void {
    if (this.#fetch === null) return;
    this.#fetchIsSent = true;
    this.#server.send(this.#fetch);
  }

  answered(reply: Buffer): void {
    const fetch = this.#fetch;
    this.#fetch = null;
    // One that has left has had its answer.
    if (fetch !== null && this.#clientIsHere) this.#client.onReply(fetch, reply, true);
  }

  /** Where the reply has begun to arrive, its end is waited for. */
  late(): boolean {
    const fetch = this.#fetch;
    if (fetch === null || this.#server.isReplyArriving) return false;
    this.#late = fetch;
    this.answered(NIL);
    return true;
  }

  onReply(command: Command, piece: Buffer, last: boolean): void {
    if (command === this.#late) {
      this.#onLateReply(command, piece);
      return;
    }
    if (command === this.#fetch) {
      this.#fetch = null;
      this.#parts.governor.done(this);
      if (!this.#clientIsHere) {
        this.#keepJob(piece);
        this.#server.close('client_gone');
        return;
      }
    }
    const { roundTrips } = this.#parts;
    if (roundTrips.isOn && last) roundTrips.answered(command.verb, this.#server.workedAtLeastMs);
    // First: what it tells of Redis decides about those that wait for the slot.
    const told = last ? this.#parts.acknowledgements.judge(command, piece) : piece;
    if (last) this.#sender.onAnswered();
    if (!this.#clientIsHere) return;
    const isForOthers = command.verb === 'FETCH' && this.#client.hasLeft && this.#keepJob(told);
    this.#client.onReply(command, isForOthers ? NIL : told, last);
    if (last) this.#sender.answerGivenUp();
  }

  answer(command: Command, text: Buffer): void {
    if (this.#clientIsHere) this.#client.onReply(command, text, true);
  }

  onLost(command: Command, fate: LostFate): void {
    if (command !== this.#fetch && command !== this.#late) return;
    this.#fetch = null;
    this.#late = null;
    this.#parts.governor.done(this);
    if (fate === 'partly_answered') this.#parts.strayJobs.leaveReserved();
  }

  onAnswered(): void {}

  onEnd(_server: ServerConnection, _reason: ServerEndReason): void {
    if (this.#fetch !== null) this.#parts.governor.withdraw(this);
    this.#fetch = null;
    this.#sender.onEnd();
    if (!this.#clientIsHere) return;
    this.#clientIsHere = false;
    this.#client.onLaneLost('server_lost');
  }

  pauseReplies(): void {
    this.#server.pauseReading();
  }

  resumeReplies(): void {
    this.#server.resumeReading();
  }

  releaseUnsentFetch(): void {
    this.#parts.governor.answerNil(this);
  }

  leave(): void {
    if (!this.#clientIsHere) return;
    this.#clientIsHere = false;
    const next = this.#next;
    this.#next = null;
    if (next !== null && next.verb !== 'FETCH') this.#sender.submit(next);
    this.#sender.leave();
    this.#server.resumeReading();
    if ((this.#fetch !== null && this.#fetchIsSent) || this.#late !== null) {
      this.#server.orphan();
      return;
    }
    this.#parts.governor.withdraw(this);
    this.#fetch = null;
    this.#server.close('client_gone');
  }

  #onLateReply(command: Command, reply: Buffer): void {
    this.#late = null;
    this.#parts.governor.done(this);
    this.#keepJob(this.#parts.acknowledgements.judge(command, reply));
    if (!this.#clientIsHere) {
      this.#server.close('client_gone');
      return;
    }
    const next = this.#next;
    this.#next = null;
    if (next !== null) this.#take(next);
  }

  /** False for a reply without a job. */
  #keepJob(reply: Buffer): boolean {
    const job = parseFetchedJob(reply);
    if (job !== null) this.#parts.strayJobs.offer(job, this.worker, this.#parts.governor);
    return job !== null;
  }
}
