// Whether server connections may be dialled, where bouncers share a limit. Promise: the connections that
// exist are the size of a set, from before the dial until Faktory's close; each dial is asked for at its own
// instant, and once more before HELLO. Without a lease everything is permitted, and nothing is kept.

import type { Clock } from '../base/clock.ts';

/** What the bouncer holds of a shared limit, and what it is told. */
export interface ServerLease {
  /** Whether one more may be dialled with `used` there; the bouncer's own is not counted. */
  mayDial(used: number): boolean;
  /** A connection is open; the result is handed in again. */
  opened(): number;
  /** Faktory has answered on it. */
  answered(trust: number): number;
  /** It is over, or Faktory is asked to close it. */
  closed(trust: number): void;
  ownOpened(): void;
  ownLost(): void;
}

/** One dial, and the connection that it makes. */
export interface DialTicket {
  /** Whether HELLO may still be said: the process may have been stopped since the dial. */
  readonly mayGoOn: boolean;
  /** The connection is over; `isUnsure`: Faktory may not know it yet. */
  release(isUnsure: boolean): void;
}

/** How long Faktory may take to hear of a close. */
const UNSURE_MS = 500;

const FREE: DialTicket = { mayGoOn: true, release: () => {} };

export class DialPermits {
  readonly #clock: Clock;
  readonly #dialled = new Set<DialTicket>();
  #lease: ServerLease | null = null;
  #wake: () => void = () => {};

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** From now on dials rest on `lease`. */
  restOn(lease: ServerLease): void {
    this.#lease = lease;
  }

  /** `wake` is called when there may be room for a dial again. */
  onRoom(wake: () => void): void {
    this.#wake = wake;
  }

  /** The lease may permit more. */
  changed(): void {
    this.#wake();
  }

  /** Connections that exist, the bouncer's own apart; 0 without a lease. */
  get used(): number {
    return this.#dialled.size;
  }

  get mayDial(): boolean {
    return this.#lease === null || this.#lease.mayDial(this.#dialled.size);
  }

  /** A dial begins. */
  take(): DialTicket {
    const lease = this.#lease;
    if (lease === null) return FREE;
    const dialled = this.#dialled;
    const ticket: DialTicket = {
      get mayGoOn() {
        return lease.mayDial(dialled.size - 1);
      },
      release: (isUnsure) => {
        if (isUnsure) this.#clock.after(UNSURE_MS, () => this.#release(ticket));
        else this.#release(ticket);
      },
    };
    dialled.add(ticket);
    return ticket;
  }

  opened(): number {
    return this.#lease?.opened() ?? 0;
  }

  answered(trust: number): number {
    return this.#lease === null ? 0 : this.#lease.answered(trust);
  }

  closed(trust: number): void {
    this.#lease?.closed(trust);
  }

  ownOpened(): void {
    this.#lease?.ownOpened();
  }

  ownLost(): void {
    this.#lease?.ownLost();
  }

  /** For a connection that no lease counts. */
  static readonly free = FREE;

  #release(ticket: DialTicket): void {
    if (this.#dialled.delete(ticket)) this.#wake();
  }
}
