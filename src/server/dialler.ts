// When a server connection may dial. Promise: only so many dial and shake hands at a time (Faktory
// drops a handshake after 2 s); after a failure one tries for all, after a wait that grows; the bouncer's
// own connection goes first, and is the only one that needs no permit. It says nothing about Faktory's health.

import { type Backoff, backoffMs } from '../base/backoff.ts';
import type { Clock, Timer } from '../base/clock.ts';
import { Line } from '../base/line.ts';
import type { DialPermits } from './dial-permits.ts';
import type { ServerCounts } from './server-counts.ts';
import type { DialReason } from './server-states.ts';

/** Something that wants to dial. */
export interface Dialable {
  /** May dial now; must answer with succeeded(), failed() or abandoned() later. */
  dial(): void;
}

/** A turn that is waited for. */
export interface DialTurn {
  /** The dial is not wanted any more. */
  leave(): unknown;
}

const DIALLING_MAX = 64;
const FAILURE_BACKOFF: Backoff = { firstMs: 50, longestMs: 1000 };

export interface DiallerParts {
  readonly clock: Clock;
  readonly random: () => number;
  readonly counts: ServerCounts;
  readonly permits: DialPermits;
}

export class Dialler {
  readonly #parts: DiallerParts;
  readonly #control = new Line<Dialable>();
  readonly #line = new Line<Dialable>();
  readonly #dialling = new Set<Dialable>();
  #failuresInARow = 0;
  #retryTimer: Timer | null = null;

  constructor(parts: DiallerParts) {
    this.#parts = parts;
    parts.permits.onRoom(() => this.#start());
  }

  /** Queues `dialable`; it leaves by its turn, or is told to dial, maybe before this returns. */
  request(dialable: Dialable, reason: DialReason): DialTurn {
    const turn = (reason === 'control' ? this.#control : this.#line).join(dialable);
    this.#start();
    return turn;
  }

  succeeded(dialable: Dialable): void {
    this.#dialling.delete(dialable);
    this.#failuresInARow = 0;
    this.#retryTimer?.cancel();
    this.#retryTimer = null;
    this.#start();
    this.#parts.counts.dials.add('succeeded');
  }

  failed(dialable: Dialable): void {
    this.#dialling.delete(dialable);
    this.hold();
    this.#parts.counts.dials.add('failed');
  }

  /** Something is wrong with Faktory though it accepts connections: the next dial waits as after a failed one. */
  hold(): void {
    this.#failuresInARow += 1;
    this.#retryTimer ??= this.#parts.clock.after(
      backoffMs(FAILURE_BACKOFF, this.#failuresInARow, this.#parts.random()),
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
      const next = this.#control.shift() ?? this.#nextPermitted();
      if (next === undefined) return;
      this.#dialling.add(next);
      next.dial();
    }
  }

  #nextPermitted(): Dialable | undefined {
    return this.#parts.permits.mayDial ? this.#line.shift() : undefined;
  }
}
