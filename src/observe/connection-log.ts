// A line for each client connection that ends, as an operator asks for it. Promise: no more lines a
// second than configured, and the next one says how many were left out; nothing that a client chose
// is written longer than 64 characters or with a control character in it.

import type { Clock } from '../base/clock.ts';
import type { CountBy } from '../base/counters.ts';
import type { Live } from '../base/live.ts';
import type { EndedClient } from '../client/client-events.ts';
import type { Logger } from './log.ts';

export const CONNECTION_LOG_OUTCOMES = ['written', 'left_out'] as const;

export interface ConnectionLogSettings {
  readonly which: 'off' | 'sampled' | 'all';
  /** With `sampled`: one of so many. */
  readonly sample: number;
  readonly perSecond: number;
}

export interface ConnectionLogParts {
  readonly log: Pick<Logger, 'info' | 'debug' | 'isLevelEnabled'>;
  readonly clock: Pick<Clock, 'now'>;
  /** In [0, 1). */
  readonly random: () => number;
  readonly connections: Live<ConnectionLogSettings>;
  readonly counts: CountBy<(typeof CONNECTION_LOG_OUTCOMES)[number]>;
}

const TEXT = 'client connection ended';
const SECOND_MS = 1000;
const WID_MAX = 64;

export class ConnectionLog {
  readonly #parts: ConnectionLogParts;
  /** The second that is running, since the clock's start, and its lines. */
  #second = 0;
  #lines = 0;
  #suppressed = 0;

  constructor(parts: ConnectionLogParts) {
    this.#parts = parts;
  }

  ended(client: EndedClient): void {
    const { log, random, connections } = this.#parts;
    const { which, sample } = connections.current;
    switch (which) {
      case 'off':
        if (log.isLevelEnabled('debug')) log.debug(fieldsOf(client), TEXT);
        return;
      case 'sampled':
        if (random() * sample < 1) this.#line(client);
        return;
      case 'all':
        this.#line(client);
    }
  }

  #line(client: EndedClient): void {
    const { log, counts } = this.#parts;
    if (!log.isLevelEnabled('info')) return;
    if (!this.#hasRoom()) {
      this.#suppressed += 1;
      counts.add('left_out');
      return;
    }
    const suppressed = this.#suppressed;
    this.#suppressed = 0;
    counts.add('written');
    log.info({ ...fieldsOf(client), ...(suppressed > 0 && { suppressed }) }, TEXT);
  }

  #hasRoom(): boolean {
    const { clock, connections } = this.#parts;
    const second = Math.floor(clock.now() / SECOND_MS);
    if (second !== this.#second) {
      this.#second = second;
      this.#lines = 0;
    }
    if (this.#lines >= connections.current.perSecond) return false;
    this.#lines += 1;
    return true;
  }
}

/** What is not there has no field. */
function fieldsOf({ wid, detail, seconds, ...facts }: EndedClient): object {
  return {
    ...facts,
    seconds: Math.round(seconds * 1000) / 1000,
    ...(detail !== null && { detail }),
    ...(wid !== null && wid !== '' && { wid: printable(wid) }),
  };
}

/** A wid is the client's own text: visible ASCII stays, and no more than a usual wid needs. */
function printable(text: string): string {
  const start = text.slice(0, WID_MAX).replaceAll(/[^\u0021-\u007e]/g, '?');
  return text.length > WID_MAX ? `${start}…` : start;
}
