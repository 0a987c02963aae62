// What clients tell of themselves, be it to a log. Promise: whoever hears it owns neither client nor text.

import type { RefusalReason } from '../admission/outcomes.ts';
import type { ClientEndReason } from './client-states.ts';

/** Who hears what becomes of clients. */
export interface ClientEvents {
  refused(reason: RefusalReason, text: string): void;
  clientEnded(
    reason: ClientEndReason,
    facts: { readonly role: string; readonly address: string; readonly seconds: number },
  ): void;
  /** The client at `address` and the bouncer are not set up for each other; `detail`: a library's word. */
  mismatch(reason: ClientEndReason, address: string, detail: string | null): void;
  /** One that was idle for `seconds` gave its place to a client that waits. */
  reclaimed(seconds: number): void;
  bug(error: unknown): void;
}
