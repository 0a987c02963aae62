// What the parent process and the processes that serve clients say to each other, over the channel that Node
// opens between them. Promise: everything is a plain value; each question has one answer.

import type { Readiness } from '../admin/route.ts';
import type { Address } from '../base/address.ts';
import type { ClientChoice, ClientFacts } from '../client/client-facts.ts';
import type { Config } from '../config/config.ts';
import type { CountFigures } from '../observe/merge-counts.ts';
import type { ProcessMetric } from '../observe/prometheus.ts';
import type { Snapshot } from '../observe/snapshot.ts';
import type { ServerFacts } from '../server/server-facts.ts';
import type { LeaseReply, LeaseRequest } from '../sharing/lease.ts';

/** What a process is started with. */
export interface Orders {
  /** From 0; a process that is started again keeps its number. */
  readonly index: number;
  /** Its own part (config/parts.ts). */
  readonly config: Config;
  /** A listening socket that the process inherits; null: it opens its own. */
  readonly givenFd: number | null;
  /** Whether an operator has paused the bouncer. */
  readonly isPaused: boolean;
}

/** What the parent can ask for, and what is answered. No answer is null: null is that none came. */
export interface Answers {
  readonly look: Look;
  readonly rows: Rows;
  readonly pause: 'done';
  readonly reload: 'done';
  /** How many clients were closed. */
  readonly disconnect: number;
}

export type Question =
  | { readonly kind: 'look' | 'rows' }
  | { readonly kind: 'pause'; readonly isPaused: boolean }
  | { readonly kind: 'reload'; readonly config: Config }
  | { readonly kind: 'disconnect'; readonly choice: ClientChoice };

/** What a process has to tell. */
export interface Look {
  readonly figures: CountFigures;
  readonly snapshot: Snapshot;
  readonly readiness: Readiness;
  /** Memory, CPU and event loop. */
  readonly own: readonly ProcessMetric[];
}

/** Its connections, one by one. */
export interface Rows {
  /** The process's own monotonic clock, by which the instants are told; ms. */
  readonly now: number;
  readonly clients: readonly ClientFacts[];
  readonly servers: readonly ServerFacts[];
}

export type ToChild =
  | { readonly kind: 'start'; readonly orders: Orders }
  | { readonly kind: 'drain'; readonly reason: string }
  | { readonly kind: 'lent'; readonly number: number; readonly reply: LeaseReply }
  | { readonly kind: 'ask'; readonly number: number; readonly question: Question };

export type ToParent =
  /** It is there, and wants its orders. */
  | { readonly kind: 'here' }
  | { readonly kind: 'listening'; readonly listen: Address }
  /** It cannot start, and ends; the text is for the operator. */
  | { readonly kind: 'failed'; readonly text: string }
  | { readonly kind: 'lease'; readonly number: number; readonly request: LeaseRequest }
  | { readonly kind: 'answer'; readonly number: number; readonly answer: Answers[keyof Answers] };
