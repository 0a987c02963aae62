// What happens to clients, in the log. Promise: a line for each refusal reason, rule and mismatch at a bounded
// rate; never a password, a payload or a client's text.

import type { RefusalReason } from '../admission/outcomes.ts';
import type { Clock } from '../base/clock.ts';
import type { Live } from '../base/live.ts';
import type {
  ClientEvents,
  EndedClient,
  GuardEvent,
  RefusedClient,
} from '../client/client-events.ts';
import type { ClientEndReason } from '../client/client-states.ts';
import { ConnectionLog, type ConnectionLogSettings } from './connection-log.ts';
import type { Counts } from './counts.ts';
import type { Logger } from './log.ts';
import { RateLimitedLog } from './rate-limited-log.ts';

const INTERVAL_MS = 10_000;

export interface ClientLogParts {
  readonly log: Logger;
  readonly clock: Clock;
  readonly counts: Pick<Counts, 'connectionLog'>;
  readonly connections: Live<ConnectionLogSettings>;
  /** In [0, 1). */
  readonly random: () => number;
  readonly onBug: (error: unknown) => void;
}

export class ClientLog implements ClientEvents {
  readonly #clock: Clock;
  readonly #onBug: (error: unknown) => void;
  readonly #connections: ConnectionLog;
  readonly #refusals: RateLimitedLog<RefusalReason>;
  readonly #mismatches: RateLimitedLog<ClientEndReason>;
  readonly #reclaims: RateLimitedLog<'reclaimed'>;
  readonly #guarded: RateLimitedLog<`${GuardEvent['rule']} ${GuardEvent['action']}`>;

  constructor(parts: ClientLogParts) {
    const { log, clock, counts, onBug } = parts;
    this.#clock = clock;
    this.#onBug = onBug;
    this.#connections = new ConnectionLog({ ...parts, counts: counts.connectionLog });
    const warn = (fields: object, text: string): void => log.warn(fields, text);
    this.#refusals = new RateLimitedLog(warn, INTERVAL_MS);
    this.#mismatches = new RateLimitedLog(warn, INTERVAL_MS);
    this.#reclaims = new RateLimitedLog(warn, INTERVAL_MS);
    this.#guarded = new RateLimitedLog(warn, INTERVAL_MS);
  }

  refused(client: RefusedClient): void {
    this.#refusals.line(client.reason, this.#clock.now(), { ...client }, 'client refused');
  }

  clientEnded(client: EndedClient): void {
    this.#connections.ended(client);
  }

  mismatch(reason: ClientEndReason, address: string, detail: string | null): void {
    this.#mismatches.line(
      reason,
      this.#clock.now(),
      { reason, address, detail },
      'a client does not fit the settings for TLS or PROXY headers; docs/operations.md explains the reason',
    );
  }

  reclaimed(idleSeconds: number): void {
    this.#reclaims.line(
      'reclaimed',
      this.#clock.now(),
      { idleSeconds },
      'an idle client was closed for one that waits; a process may open connections and not use them',
    );
  }

  guarded({ rule, action, address }: GuardEvent): void {
    const text =
      action === 'block'
        ? 'the guard answered a command'
        : 'a command broke a rule of the guard, and passed';
    this.#guarded.line(`${rule} ${action}`, this.#clock.now(), { rule, address }, text);
  }

  bug(error: unknown): void {
    this.#onBug(error);
  }
}
