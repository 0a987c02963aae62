// Notices that Faktory has fallen silent, as a whole or on one connection. Promise: the bouncer's own
// connection never owes an answer for longer than its patience, so a Faktory that hangs is found out by
// the dial that follows; any other connection is given up only while the own one proves that Faktory
// answers. Where one was lost, those that have not been heard from since are doubted, and have less time.
// What this process has slept through counts for nothing.

import type { Clock, Timer } from '../base/clock.ts';
import type { Live } from '../base/live.ts';

/** The bouncer's own connection. */
export interface OwnConnection {
  /** Gives it up if it has owed an answer, at `now` (monotonic ms), for longer than its patience. */
  checkSilence(now: number): void;
  /**
   * Since when Faktory has answered over this one connection, monotonic ms; null if that is not proven at
   * `now`.
   */
  answeringSince(now: number): number | null;
  /** When the last answer came; monotonic ms. */
  readonly answeredAt: number;
  /**
   * When the connection was opened that was found to answer at once in the place of one that did not, and so
   * had been lost; monotonic ms, -Infinity if that was never found.
   */
  readonly lossFoundAt: number;
}

/** Every connection to Faktory. */
export interface SilentServers {
  /** Gives up those that have owed an answer within bounds since `since` (monotonic ms) or before; how many. */
  giveUpSilent(since: number): number;
  /**
   * Of those that have not been heard from since `heardBy`, gives up any that has owed an answer within bounds
   * since `owedSince`, or any answer since `anySince` (all monotonic ms), and those that only wait for the next
   * command.
   */
  giveUpDoubted(heardBy: number, owedSince: number, anySince: number): void;
}

export interface SilenceCheckParts {
  readonly clock: Pick<Clock, 'now' | 'after'>;
  /** 0: no connection but the bouncer's own is given up. */
  readonly settings: Live<{ readonly answerTimeoutMs: number }>;
  readonly own: OwnConnection;
  readonly servers: SilentServers;
}

const TICK_MS = 1000;
/** A tick so much later than it was due: this process stood still, and has not read what came. */
const STOOD_STILL_MS = 500;
/** How long a connection that is doubted may owe an answer. */
const DOUBTED_MS = 10_000;
/** For so many times the time for an answer after a loss was found, others are doubted. */
const DOUBTED_TIMES = 2;

export class SilenceCheck {
  readonly #parts: SilenceCheckParts;
  #timer: Timer | null = null;
  #tickedAt = 0;
  /** Since when this process has not stood still. */
  #awakeSince = 0;
  /** A loss was found at `at`; what was heard from after `heardBy` is not doubted. */
  #doubt = { at: -Infinity, heardBy: -Infinity };

  constructor(parts: SilenceCheckParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#tickedAt = this.#parts.clock.now();
    this.#awakeSince = this.#tickedAt;
    this.#schedule();
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #schedule(): void {
    this.#timer = this.#parts.clock.after(TICK_MS, () => this.#tick());
  }

  #tick(): void {
    const { clock, own } = this.#parts;
    const now = clock.now();
    const stoodStill = now - this.#tickedAt > TICK_MS + STOOD_STILL_MS;
    this.#tickedAt = now;
    if (stoodStill) {
      this.#awakeSince = now;
      this.#schedule();
      return;
    }
    // An answer may be here that this turn of the event loop has not read: it counts, and may hold a job.
    this.#timer = clock.after(0, () => {
      this.#schedule();
      own.checkSilence(now);
      this.#checkOthers(now);
    });
  }

  #checkOthers(now: number): void {
    const { settings, own, servers } = this.#parts;
    const { answerTimeoutMs } = settings.current;
    const answeringSince = own.answeringSince(now);
    if (answerTimeoutMs === 0 || answeringSince === null) return;
    const since = now - answerTimeoutMs;
    // All that time Faktory has been known to answer, and this process to read: and it has done so in it.
    const isProven = Math.max(answeringSince, this.#awakeSince) <= since && own.answeredAt > since;
    if (isProven && servers.giveUpSilent(since) > 0) this.#doubt = { at: now, heardBy: since };
    const { lossFoundAt } = own;
    if (lossFoundAt > this.#doubt.at) this.#doubt = { at: now, heardBy: lossFoundAt };
    const { at, heardBy } = this.#doubt;
    if (now - at > DOUBTED_TIMES * answerTimeoutMs + DOUBTED_MS) return;
    servers.giveUpDoubted(heardBy, now - DOUBTED_MS, since);
  }
}
