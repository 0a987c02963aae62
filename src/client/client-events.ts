// What clients tell of themselves, be it to a log. Promise: whoever hears it owns neither client nor text.

import type { RefusalReason } from '../admission/outcomes.ts';
import type { GuardRule } from '../protocol/guard.ts';
import type { ClientEndReason } from './client-states.ts';

/** A command from `address` broke `rule`; with `log` it passed all the same. */
export interface GuardEvent {
  readonly rule: GuardRule;
  readonly action: 'log' | 'block';
  readonly address: string;
}

/** Who hears what becomes of clients. */
export interface ClientEvents {
  refused(reason: RefusalReason, text: string): void;
  clientEnded(reason: ClientEndReason, role: string, seconds: number): void;
  /** One that was idle for `seconds` gave its place to a client that waits. */
  reclaimed(seconds: number): void;
  /** A command broke a rule. */
  guarded(event: GuardEvent): void;
  bug(error: unknown): void;
}
