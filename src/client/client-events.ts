// What client connections report, for example to a log. Promise: a listener keeps neither the client
// nor the bytes.

import type { RefusalReason } from '../admission/outcomes.ts';
import type { Command } from '../protocol/command.ts';
import type { KnownRole } from './client-connections.ts';
import type { GuardRule } from '../protocol/guard.ts';
import type { ClientEndReason } from './client-states.ts';

/** A client connection that has ended. */
export interface EndedClient {
  readonly reason: ClientEndReason;
  /** A library's word for the reason; null for none. */
  readonly detail: string | null;
  readonly role: KnownRole;
  /** Empty if the system does not know it. */
  readonly address: string;
  /** As the client wrote it, up to 64 KiB; null without a HELLO, empty for a producer. */
  readonly wid: string | null;
  readonly seconds: number;
  /** Those whose reply was passed on to its end. */
  readonly commands: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/** A client that was refused, and what it was told. */
export interface RefusedClient {
  readonly reason: RefusalReason;
  readonly text: string;
  readonly address: string;
}

/** Who looks at replies as they are passed on to clients. */
export interface ReplyWatch {
  /** The last piece of the reply to `command`, which is all of it but for a long PUSHB; monotonic ms. */
  answered(command: Command, reply: Buffer, now: number): void;
}

/** A command from `address` broke `rule`; with `log` it passed all the same. */
export interface GuardEvent {
  readonly rule: GuardRule;
  readonly action: 'log' | 'block';
  readonly address: string;
}

/** Who hears what becomes of clients. */
export interface ClientEvents {
  refused(client: RefusedClient): void;
  clientEnded(client: EndedClient): void;
  /** The client at `address` and the bouncer are not set up for each other; `detail`: a library's word. */
  mismatch(reason: ClientEndReason, address: string, detail: string | null): void;
  /** One that was idle for `seconds` gave its place to a client that waits. */
  reclaimed(seconds: number): void;
  /** A command broke a rule. */
  guarded(event: GuardEvent): void;
  bug(error: unknown): void;
}
