// Jobs that go back to Faktory. Promise: FAIL is sent for each, and again after a loss, but never when it could
// meet another worker, since it names a job and not its reservation; only while a write may be sent, since
// Faktory would drop the reservation and store no retry; what became of each job is told once.

import type { Clock } from '../base/clock.ts';
import { Command, type ReplySink } from '../protocol/command.ts';
import { giveBackLine, type ReservedJob } from '../protocol/job.ts';
import { isError } from '../protocol/replies.ts';
import type { Pause } from './pause.ts';
import type { WriteHealth } from './write-health.ts';

export type GiveBackOutcome =
  | 'given_back'
  /** Faktory could not be told in time, or held the job no more. */
  | 'left_reserved'
  /** A FAIL was sent and not answered, and it is too late to send another. */
  | 'unconfirmed';

/** Who wants a job given back. */
export interface Giver {
  gaveBack(job: ReservedJob, outcome: GiveBackOutcome): void;
}

/** A connection that is open. */
export interface GivingBackServer {
  send(command: Command): void;
}

export interface GivingBackParts {
  readonly clock: Clock;
  readonly writeHealth: Pick<WriteHealth, 'mayWrite'>;
  readonly pause: Pick<Pause, 'isPaused'>;
  /** The bouncer's own connection, while it is open. */
  readonly server: () => GivingBackServer | null;
}

/**
 * A job that failed is in its queue again 15 s later at the earliest (v1.7.0 manager/retry.go nextRetry). From
 * then on another FAIL would be for the worker that has it.
 */
const REPEATED_WITHIN_MS = 10_000;
/** Before the end of its reservation: Faktory counts it from a moment that is not known. */
const RESERVED_MARGIN_MS = 10_000;

interface Owed {
  readonly job: ReservedJob;
  readonly giver: Giver;
  /** When Faktory may hand the job out again; monotonic ms. */
  readonly reservedUntil: number;
  state: 'due' | 'sent';
  /** When the first FAIL was sent of which nothing is known, monotonic ms; null if there is none. */
  doubtedSince: number | null;
}

export class GivingBack {
  readonly #parts: GivingBackParts;
  readonly #owed = new Set<Owed>();

  constructor(parts: GivingBackParts) {
    this.#parts = parts;
  }

  /** Jobs whose giving back is not settled. */
  get size(): number {
    return this.#owed.size;
  }

  /** Tells Faktory that `job`, which arrived at `arrivedAt` (monotonic ms), was not done. */
  add(job: ReservedJob, arrivedAt: number, giver: Giver): void {
    const reservedUntil = arrivedAt + job.reservedForMs - RESERVED_MARGIN_MS;
    const owed: Owed = { job, giver, reservedUntil, state: 'due', doubtedSince: null };
    this.#owed.add(owed);
    this.#send(owed);
  }

  /** It may be possible to send now. */
  sendAll(): void {
    for (const owed of this.#owed) this.#send(owed);
  }

  /** Nothing is sent any more: what is not settled stays with Faktory until its reservation runs out. */
  stop(): void {
    for (const owed of this.#owed) {
      const isUntold = owed.state === 'due' && owed.doubtedSince === null;
      this.#settle(owed, isUntold ? 'left_reserved' : 'unconfirmed');
    }
  }

  #send(owed: Owed): void {
    const { clock, pause, server, writeHealth } = this.#parts;
    if (owed.state === 'sent' || pause.isPaused || !writeHealth.mayWrite) return;
    const open = server();
    if (open === null) return;
    const now = clock.now();
    const { doubtedSince } = owed;
    if (doubtedSince !== null && now - doubtedSince > REPEATED_WITHIN_MS) {
      this.#settle(owed, 'unconfirmed');
    } else if (now > owed.reservedUntil) {
      this.#settle(owed, 'left_reserved');
    } else {
      owed.state = 'sent';
      const sink: ReplySink = {
        onReply: (_command, reply, last) => void (last && this.#answered(owed, reply)),
        onLost: ({ sentAt }, fate) => {
          owed.state = 'due';
          if (fate !== 'unsent') owed.doubtedSince ??= sentAt;
        },
      };
      open.send(new Command('FAIL', Buffer.from(giveBackLine(owed.job)), now, sink));
    }
  }

  #answered(owed: Owed, reply: Buffer): void {
    const isDone = !isError(reply) || (owed.doubtedSince !== null && isNotHeld(reply));
    this.#settle(owed, isDone ? 'given_back' : 'left_reserved');
  }

  #settle(owed: Owed, outcome: GiveBackOutcome): void {
    if (this.#owed.delete(owed)) owed.giver.gaveBack(owed.job, outcome);
  }
}

/** Whether Faktory says that it does not hold the job (v1.7.0 manager/retry.go processFailure). */
function isNotHeld(reply: Buffer): boolean {
  return reply.toString('latin1').startsWith('-ERR Job not found');
}
