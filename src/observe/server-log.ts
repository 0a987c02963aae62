// What happens to Faktory and the connections to it, in the log. Promise: one line for each change of its
// health, and of whether it stores what it acknowledges; the rest at a bounded rate; never a password.

import type { Clock } from '../base/clock.ts';
import {
  type DialFailure,
  type DialReason,
  type LaneName,
  MACHINE_FAILURES,
  type ServerEndReason,
  TLS_FAILURES,
} from '../server/server-states.ts';
import type { WriteState } from '../server/write-health.ts';
import type { Logger } from './log.ts';
import { RateLimitedLog } from './rate-limited-log.ts';

const INTERVAL_MS = 10_000;
/** It is the same PUSHes that are in the way each time. */
const INFO_INTERVAL_MS = 3_600_000;
/** Characters of Faktory's text when it refuses the handshake; enough to recognise it. */
const SERVER_TEXT_MAX = 200;

export class ServerLog {
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #handshakes: RateLimitedLog<'handshake'>;
  readonly #dials: RateLimitedLog<ServerEndReason>;
  readonly #infos: RateLimitedLog<'forced'>;

  constructor(log: Logger, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
    const warn = (fields: object, text: string): void => log.warn(fields, text);
    this.#handshakes = new RateLimitedLog((fields, text) => log.error(fields, text), INTERVAL_MS);
    this.#dials = new RateLimitedLog(warn, INTERVAL_MS);
    this.#infos = new RateLimitedLog(warn, INFO_INTERVAL_MS);
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
      'Faktory, or what answers in its place, refused the bouncer, as the field faktory says; check server.url and FAKTORY_PASSWORD',
    );
  }
}

function unreachableText(failure: DialFailure | null): string {
  return failure !== null && TLS_FAILURES.has(failure.reason)
    ? 'the bouncer and Faktory cannot agree on TLS; check server.url and server.tls. The bouncer goes on dialling'
    : 'Faktory is unreachable; the bouncer goes on dialling';
}
