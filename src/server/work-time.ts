// Hot path. How long Faktory works on the command at the head of a server connection. Promise: the truth
// lies between the two bounds, whatever the event loop was busy with, as long as the connection is read;
// the clock is read once for each read of a socket, never for a command.
// Faktory works off a connection's commands one after another (v1.7.0 server/server.go processLines).

import type { Turns } from '../base/turns.ts';

/**
 * If nothing at all came for this long, the network may have held up what comes then, or this process may
 * have been stopped in the middle of its wait. For as long after it, a reply does not tell when the next
 * command began. An error of less than this does not matter to those who ask (lanes/acknowledgements.ts).
 */
const UNSURE_FROM_MS = 1000;

export class WorkTime {
  readonly #turns: Turns;
  /** When the bytes at hand were read, in which turn, and after which instant they must have come. */
  #readAt = 0;
  #turn = 0;
  #notBefore = 0;
  /** The same of the end of the last reply. */
  #endReadAt = 0;
  /** Faktory has not begun with the command at the head before this instant. */
  #headNotBefore = 0;
  /** Since when nothing has come, though an answer is due. */
  #silentSince = 0;
  /** When something came last after such a silence that was too long. */
  #unsureSince = -Infinity;
  /** How long the loop had been idle when Faktory could begin with the command at the head. */
  #idleMsAtHead = 0;
  /** Of the command that was answered last: Faktory began with it not before the one, not after the other. */
  #beganFrom = 0;
  #beganBy = 0;
  #idleMsAtBegin = 0;

  constructor(turns: Turns) {
    this.#turns = turns;
  }

  /** How long Faktory worked, at most, on the command that was answered last; ms. */
  get atMostMs(): number {
    return this.#readAt - this.#beganFrom;
  }

  /** How long it did at least: the time that this process itself took is not in it. */
  get atLeastMs(): number {
    return Math.max(this.#notBefore - this.#beganBy, this.#turns.idleMs() - this.#idleMsAtBegin);
  }

  /** A command is sent at `now` (monotonic ms) while none is outstanding. */
  begin(now: number): void {
    this.#silentSince = now;
    this.#idleMsAtHead = this.#turns.idleMs();
  }

  /** Bytes have been read at `now` (monotonic ms). What was there before was read before. */
  read(now: number): void {
    const turn = this.#turns.count;
    if (turn !== this.#turn) {
      this.#turn = turn;
      this.#notBefore = Math.max(this.#readAt, this.#turns.notBefore);
    }
    if (now - this.#silentSince >= UNSURE_FROM_MS) this.#unsureSince = now;
    this.#silentSince = now;
    this.#readAt = now;
  }

  /** The reply to the command that was sent at `sentAt` has come to its end. */
  answered(sentAt: number): void {
    this.#beganFrom = Math.max(sentAt, this.#headNotBefore);
    this.#beganBy = Math.max(sentAt, this.#endReadAt);
    this.#idleMsAtBegin = this.#idleMsAtHead;
    this.#endReadAt = this.#readAt;
    const isSure = this.#readAt - this.#unsureSince >= UNSURE_FROM_MS;
    this.#headNotBefore = isSure ? this.#notBefore : this.#beganFrom;
    this.#idleMsAtHead = this.#turns.idleMs();
  }

  /** Since when, at the latest, Faktory has been at the oldest command, which was sent at `sentAt`. */
  since(sentAt: number): number {
    return Math.max(sentAt, this.#endReadAt);
  }
}
