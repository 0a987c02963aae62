// What a client connection knows of a lane. Promise: the client never learns which server
// connections are behind it.

import type { Command } from '../protocol/command.ts';

/** Why a lane gives a client up. */
export type LaneLoss = 'server_lost' | 'outcome_unknown' | 'worker_expired' | 'bug';

/** A client as its lane sees it. */
export interface LaneClient {
  /** The worker's wid; null for a producer. */
  readonly worker: string | null;
  /** It has left, and stays for what it has sent whole: a job would find nobody who acknowledges it. */
  readonly hasLeft: boolean;
  /** The lane takes commands from now on; called once. */
  onLaneReady(): void;
  /** A piece of the reply to `command`; replies come in the order of submission. */
  onReply(command: Command, piece: Buffer, last: boolean): void;
  /** The lane is over; nothing more comes. */
  onLaneLost(loss: LaneLoss): void;
}

export interface Lane {
  /** Whether other clients' replies come over the same server connections. */
  readonly isShared: boolean;
  /** Whether a client with so many commands outstanding may submit one more. */
  accepts(outstanding: number): boolean;
  /** Takes a command whose `sink` is the lane's; FETCH only with nothing else outstanding. */
  submit(verb: Command['verb'], line: Buffer, readAt: number): void;
  /** The client's socket takes no more for now: hold its replies back where that is possible. */
  pauseReplies(): void;
  resumeReplies(): void;
  /** Answers a FETCH that has not been sent yet with nil, so that the client can be closed. */
  releaseUnsentFetch(): void;
  /** The client is gone; what it has outstanding is finished without it. Idempotent. */
  leave(): void;
}
