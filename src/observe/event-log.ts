// What happens, in the log. Promise: one line per refusal reason at a bounded rate, one per change of
// Faktory's health; never a password, a payload or a client's text.

import { SharedCountError } from '../base/check.ts';
import type { Clock } from '../base/clock.ts';
import type { RefusalReason } from '../admission/outcomes.ts';
import type { EndedClient, GuardEvent, RefusedClient } from '../client/client-events.ts';
import type { ClientEndReason } from '../client/client-states.ts';
import type { Live } from '../base/live.ts';
import { ConnectionLog, type ConnectionLogSettings } from './connection-log.ts';
import type { Counts } from './counts.ts';
import {
  type DialFailure,
  type DialReason,
  type LaneName,
  MACHINE_FAILURES,
  type ServerEndReason,
} from '../server/server-states.ts';
import { TLS_FAILURES } from '../server/tls-failures.ts';
import type { WriteState } from '../server/write-health.ts';
import type { Logger } from './log.ts';
import { RateLimitedLog } from './rate-limited-log.ts';

const REFUSAL_INTERVAL_MS = 10_000;
const BUG_INTERVAL_MS = 10_000;
/** It is the same PUSHes that are in the way each time. */
const INFO_INTERVAL_MS = 3_600_000;
/** Characters of Faktory's text when it refuses the handshake; enough to recognise it. */
const SERVER_TEXT_MAX = 200;

export interface EventLogParts {
  readonly log: Logger;
  readonly clock: Clock;
  readonly counts: Counts;
  readonly connections: Live<ConnectionLogSettings>;
  /** In [0, 1). */
  readonly random: () => number;
}

export class EventLog {
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #counts: Counts;
  readonly #connections: ConnectionLog;
  readonly #refusals: RateLimitedLog<RefusalReason>;
  readonly #handshakes: RateLimitedLog<'handshake'>;
  readonly #dials: RateLimitedLog<ServerEndReason>;
  readonly #mismatches: RateLimitedLog<ClientEndReason>;
  readonly #bugs: RateLimitedLog<'bug'>;
  readonly #infos: RateLimitedLog<'forced'>;
  readonly #reclaims: RateLimitedLog<'reclaimed'>;
  readonly #guarded: RateLimitedLog<`${GuardEvent['rule']} ${GuardEvent['action']}`>;

  constructor(parts: EventLogParts) {
    const { log, clock, counts } = parts;
    this.#log = log;
    this.#clock = clock;
    this.#counts = counts;
    this.#connections = new ConnectionLog({ ...parts, counts: counts.connectionLog });
    const warn = (fields: object, text: string): void => log.warn(fields, text);
    const error = (fields: object, text: string): void => log.error(fields, text);
    this.#refusals = new RateLimitedLog(warn, REFUSAL_INTERVAL_MS);
    this.#handshakes = new RateLimitedLog(error, REFUSAL_INTERVAL_MS);
    this.#dials = new RateLimitedLog(warn, REFUSAL_INTERVAL_MS);
    this.#infos = new RateLimitedLog(warn, INFO_INTERVAL_MS);
    this.#mismatches = new RateLimitedLog(warn, REFUSAL_INTERVAL_MS);
    this.#bugs = new RateLimitedLog(error, BUG_INTERVAL_MS);
    this.#guarded = new RateLimitedLog(warn, REFUSAL_INTERVAL_MS);
    this.#reclaims = new RateLimitedLog(warn, REFUSAL_INTERVAL_MS);
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

  /** `option` names the file whose certificate expires in `days`; below 0 it has expired. */
  certificateExpires(option: string, days: number): void {
    this.#log.warn({ option, days }, 'a certificate expires soon, or has expired; replace it');
  }

  onHealth(up: boolean, failure: DialFailure | null): void {
    if (up) this.#log.info('Faktory is up');
    else this.#log.error(failure, unreachableText(failure));
  }

  dialStarted(lane: LaneName, reason: DialReason): void {
    if (this.#log.isLevelEnabled('debug')) this.#log.debug({ lane, reason }, 'dialling Faktory');
  }

  dialFailed({ reason, errno }: DialFailure): void {
    if (MACHINE_FAILURES.has(reason)) {
      this.#dials.line(
        reason,
        this.#clock.now(),
        { reason, errno },
        'Cannot dial Faktory: the machine of faktory-bouncer prevents it',
      );
    } else if (this.#log.isLevelEnabled('debug')) {
      this.#log.debug({ reason, errno }, 'a dial to Faktory failed');
    }
  }

  onWriteState(state: WriteState): void {
    switch (state.kind) {
      case 'sound':
        this.#log.info('Faktory stores jobs again; writes are sent');
        return;
      case 'suspect':
        this.#log.error(
          { reason: state.reason },
          'Faktory or its Redis does not answer; writes wait',
        );
        return;
      case 'refusing':
        this.#log.error({ reason: state.reason }, 'Redis refuses writes; writes wait');
    }
  }

  infoForced(): void {
    this.#infos.line(
      'forced',
      this.#clock.now(),
      {},
      'INFO was sent although new queues are being pushed to; Faktory 1.7 can crash if both meet',
    );
  }

  handshakeRefused(what: string): void {
    this.#handshakes.line(
      'handshake',
      this.#clock.now(),
      { faktory: what.slice(0, SERVER_TEXT_MAX) },
      'Faktory refused the login of the bouncer; check server.url and FAKTORY_PASSWORD',
    );
  }

  /** A defect. Where a count that all share may be wrong it is thrown again, and ends the process. */
  bug(error: unknown): void {
    this.#counts.bugs.total += 1;
    this.#bugs.line(
      'bug',
      this.#clock.now(),
      { err: error },
      'a defect of the bouncer closed a connection',
    );
    if (error instanceof SharedCountError) throw error;
  }
}

function unreachableText(failure: DialFailure | null): string {
  return failure !== null && TLS_FAILURES.has(failure.reason)
    ? 'the bouncer and Faktory cannot agree on TLS; check server.url and server.tls. The bouncer goes on dialling'
    : 'Faktory is unreachable; the bouncer goes on dialling';
}
