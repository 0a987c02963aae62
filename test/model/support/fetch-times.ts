// How long each FETCH took in the bouncer, from when it was read, or its turn came, to the reply's last
// byte. Promise: in pooled mode no client hears later than the bouncer promises; what the test keeps on
// its way before or after that is not counted, nor is a job whose reply has begun to arrive.

import type { MemorySocket } from '../../support/memory-socket.ts';
import type { SentCommand } from '../../support/model-client.ts';

/** Real clients read with timeouts of 2 s and more: pooled mode answers nil as late as Faktory does. */
const ANSWERED_WITHIN_MS = 2000;
/** Timers are set to whole milliseconds. */
const TIMER_MS = 1;

interface Mark {
  readonly bytes: number;
  readonly at: number;
}

/** The times of one client's connection. */
export class FetchTimes {
  readonly #read: Mark[] = [];
  readonly #written: Mark[] = [];
  #hasFetched = false;

  /** `end`: the bouncer's. */
  constructor(end: MemorySocket, now: () => number) {
    end.onRead = () => this.#read.push({ bytes: end.bytesRead, at: now() });
    end.onWrite = () => this.#written.push({ bytes: end.bytesWritten, at: now() });
  }

  /** What is wrong about a FETCH, whose reply is the bytes behind `from`, up to `to`; else null. */
  problem(
    { verb, line, sentBytes }: SentCommand,
    [from, to]: readonly [number, number],
    cutReplies: CutReplies,
  ): string | null {
    if (verb !== 'FETCH') return null;
    // The first may have to wait for a place.
    if (!this.#hasFetched) {
      this.#hasFetched = true;
      return null;
    }
    // Its turn comes when what was asked before it has been answered.
    const since = Math.max(when(this.#read, sentBytes), when(this.#written, from));
    const at = when(this.#written, to);
    if (at - since <= ANSWERED_WITHIN_MS + TIMER_MS || cutReplies.wereThere(since, at)) return null;
    return `${line} was answered after ${at - since} ms`;
  }
}

/** Bulk replies of Faktory that arrived in pieces, and when. */
export class CutReplies {
  readonly #over: { readonly from: number; readonly to: number }[] = [];
  readonly #since = new Map<MemorySocket, number>();

  /** The next bytes, or the first `bytes` of them, are about to be delivered to `near`. */
  note(near: MemorySocket, bytes: number, now: number): void {
    const isCut = bytes < near.nextBytes;
    const since = this.#since.get(near);
    if (isCut && since === undefined && near.nextByte === 0x24) this.#since.set(near, now);
    if (isCut || since === undefined) return;
    this.#since.delete(near);
    this.#over.push({ from: since, to: now });
  }

  /** Whether one was arriving between the two instants. */
  wereThere(from: number, to: number): boolean {
    for (const since of this.#since.values()) if (since <= to) return true;
    return this.#over.some((cut) => cut.from <= to && cut.to >= from);
  }
}

/** When the first `bytes` had passed. */
function when(marks: readonly Mark[], bytes: number): number {
  return marks.find((mark) => mark.bytes >= bytes)?.at ?? 0;
}
