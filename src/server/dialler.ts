// When a server connection may dial. Promise: only so many dial and shake hands at a time (Faktory
// drops a handshake after 2 s); while Faktory cannot be reached one tries for all, after a wait
// that grows; whether Faktory is up is known from the dials alone.

import { type Backoff, backoffMs } from '../base/backoff.ts';
import type { Clock, Timer } from '../base/clock.ts';
import { Line, type Seat } from '../base/line.ts';
import type { ServerCounts } from './server-counts.ts';
import type { ServerEndReason } from './server-states.ts';

/** Something that wants to dial. */
export interface Dialable {
  /** May dial now; must answer with succeeded() or failed() later. */
  dial(): void;
}

const DIALLING_MAX = 64;
const OUTAGE_BACKOFF: Backoff = { firstMs: 50, longestMs: 1000 };

export interface DiallerParts {
  readonly clock: Clock;
  readonly random: () => number;
  readonly counts: ServerCounts;
  /** Called when Faktory is found up, or found down with the reason. */
  readonly onHealth: (up: boolean, reason: ServerEndReason | null) => void;
}

export class Dialler {
  readonly #parts: DiallerParts;
  readonly #line = new Line<Dialable>();
  readonly #dialling = new Set<Dialable>();
  #failuresInARow = 0;
  #retryTimer: Timer | null = null;
  #isUp = false;
  #lastFailure: ServerEndReason | null = null;

  constructor(parts: DiallerParts) {
    this.#parts = parts;
  }

  /** Whether the last dial succeeded; false before the first. */
  get isUp(): boolean {
    return this.#isUp;
  }

  get lastFailure(): ServerEndReason | null {
    return this.#lastFailure;
  }

  /** Queues `dialable`; it leaves by its seat, or is told to dial, maybe before this returns. */
  request(dialable: Dialable): Seat<Dialable> {
    const seat = this.#line.join(dialable);
    this.#start();
    return seat;
  }

  succeeded(dialable: Dialable): void {
    this.#dialling.delete(dialable);
    this.#parts.counts.dials.add('succeeded');
    this.#failuresInARow = 0;
    this.#retryTimer?.cancel();
    this.#retryTimer = null;
    this.#lastFailure = null;
    if (!this.#isUp) {
      this.#isUp = true;
      this.#parts.onHealth(true, null);
    }
    this.#start();
  }

  failed(dialable: Dialable, reason: ServerEndReason): void {
    this.#dialling.delete(dialable);
    this.#parts.counts.dials.add('failed');
    this.#failuresInARow += 1;
    const wasKnownDown = !this.#isUp && this.#lastFailure !== null;
    this.#isUp = false;
    this.#lastFailure = reason;
    if (!wasKnownDown) this.#parts.onHealth(false, reason);
    this.#retryTimer ??= this.#parts.clock.after(
      backoffMs(OUTAGE_BACKOFF, this.#failuresInARow, this.#parts.random()),
      () => {
        this.#retryTimer = null;
        this.#start();
      },
    );
  }

  /** The dial was called off by its owner: nothing is learnt from it. */
  abandoned(dialable: Dialable): void {
    if (this.#dialling.delete(dialable)) this.#start();
  }

  #start(): void {
    if (this.#retryTimer !== null) return;
    const most = this.#failuresInARow > 0 ? 1 : DIALLING_MAX;
    while (this.#dialling.size < most) {
      const next = this.#line.shift();
      if (next === undefined) return;
      this.#dialling.add(next);
      next.dial();
    }
  }
}
