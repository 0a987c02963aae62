// Asks Faktory for INFO at an interval. Promise: one is asked at a time; a Faktory that is slow to answer
// is asked less often, down to once a minute; an answer that cannot be used is counted by why.

import type { Clock, Timer } from '../base/clock.ts';
import type { CountBy } from '../base/counters.ts';
import type { Live } from '../base/live.ts';
import { Command, type ReplySink } from '../protocol/command.ts';
import { bulkBody, isError } from '../protocol/replies.ts';
import { type FaktoryInfo, parseFaktoryInfo } from './info.ts';

export const INFO_OUTCOMES = [
  'read',
  /** Longer than a reply that is held until it is whole: Faktory has thousands of queues. */
  'too_long',
  'error',
  'unreadable',
  'lost',
] as const;
export type InfoOutcome = (typeof INFO_OUTCOMES)[number];

export interface InfoPollParts {
  readonly clock: Clock;
  readonly settings: Live<{ readonly infoIntervalMs: number }>;
  readonly outcomes: CountBy<InfoOutcome>;
  /** Sends the command over the bouncer's own connection; false: that is not open. */
  readonly ask: (command: Command) => boolean;
  readonly guard: InfoGuard;
}

/**
 * Who decides when INFO may run: one that does while the first PUSH to a new queue does can kill Faktory
 * (v1.7.0 storage/redis.go EachQueue walks a map without a lock).
 */
export interface InfoGuard {
  /** Whether INFO may be asked at `now` (monotonic ms). */
  mayAsk(now: number): boolean;
  /** INFO is at Faktory. */
  asked(): void;
  /** It is over. `queues`: all that Faktory has; null if its answer does not tell. */
  over(queues: readonly string[] | null): void;
}

/** Hears what Faktory said to an INFO that was sent after the question; null: that could not be had. */
export type InfoAsker = (info: FaktoryInfo | null) => void;

const INFO_LINE = Buffer.from('INFO\r\n');
/** An answer older than so many intervals says nothing about now. */
const STALE_INTERVALS = 3;
/** A slower answer doubles the interval. */
const SLOW_MS = 1000;
const INTERVAL_MAX_MS = 60_000;
/** With INFO off it is only looked whether it is on again; with a PUSH in its way it is tried again. */
const RECONSIDER_MS = 5000;
const AGAIN_MS = 100;

export class InfoPoll implements ReplySink {
  readonly #parts: InfoPollParts;
  #timer: Timer | null = null;
  #asked: Command | null = null;
  #askedAt = 0;
  /** How often the interval has been doubled. */
  #doublings = 0;
  #info: FaktoryInfo | null = null;
  #infoAt = 0;
  #isStreamed = false;
  /** Who waits for the answer to the INFO that is asked, and to one that is still to be asked. */
  #askers: InfoAsker[] = [];
  #nextAskers: InfoAsker[] = [];

  constructor(parts: InfoPollParts) {
    this.#parts = parts;
  }

  /** What Faktory said of itself last; null while that is too long ago. */
  info(now: number): FaktoryInfo | null {
    return now - this.#infoAt > this.#intervalMs() * STALE_INTERVALS ? null : this.#info;
  }

  /** The bouncer's own connection is open: asks now, and at the interval from now on. */
  opened(): void {
    this.#timer?.cancel();
    this.#tick();
  }

  /** Asks beside the interval, as soon as the guard lets it; `asker` is called once. */
  askFor(asker: InfoAsker): void {
    this.#nextAskers.push(asker);
    if (this.#nextAskers.length === 1 && this.#asked === null) this.#askForNext();
  }

  /** The interval may be another: the next INFO is that far away. */
  settingsChanged(): void {
    if (this.#timer === null) return;
    this.#timer.cancel();
    this.#scheduleIn(this.#isOn ? this.#intervalMs() : RECONSIDER_MS);
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  /** In pieces where it is too long: those are dropped. */
  onReply(command: Command, piece: Buffer, last: boolean): void {
    if (command !== this.#asked) return;
    if (!last) {
      this.#isStreamed = true;
      return;
    }
    const now = this.#parts.clock.now();
    const isSlow = now - this.#askedAt > SLOW_MS;
    this.#doublings = isSlow ? this.#doublings + 1 : 0;
    const outcome = this.#isStreamed ? 'too_long' : this.#read(piece, now);
    this.#over(outcome, outcome === 'read' ? this.#info : null);
  }

  onLost(command: Command): void {
    if (command === this.#asked) this.#over('lost', null);
  }

  #over(outcome: InfoOutcome, info: FaktoryInfo | null): void {
    this.#asked = null;
    this.#parts.guard.over(info?.queueNames ?? null);
    this.#parts.outcomes.add(outcome);
    const askers = this.#askers;
    this.#askers = [];
    for (const asker of askers) asker(info);
    if (this.#nextAskers.length > 0) this.#askForNext();
  }

  #askForNext(): void {
    if (this.#asked !== null || this.#nextAskers.length === 0) return;
    const { clock, guard } = this.#parts;
    if (!guard.mayAsk(clock.now())) {
      clock.after(AGAIN_MS, () => this.#askForNext());
      return;
    }
    this.#ask();
    if (this.#askers.length > 0) return;
    const askers = this.#nextAskers;
    this.#nextAskers = [];
    for (const asker of askers) asker(null);
  }

  #read(reply: Buffer, now: number): InfoOutcome {
    if (isError(reply)) return 'error';
    const body = bulkBody(reply);
    const info = body === null ? null : parseFaktoryInfo(body);
    if (info === null) return 'unreadable';
    this.#info = info;
    this.#infoAt = now;
    return 'read';
  }

  #tick(): void {
    const isOn = this.#isOn;
    const { clock, guard } = this.#parts;
    const isDelayed = isOn && this.#asked === null && !guard.mayAsk(clock.now());
    if (isOn && !isDelayed) this.#ask();
    const nextMs = isDelayed ? AGAIN_MS : isOn ? this.#intervalMs() : RECONSIDER_MS;
    this.#scheduleIn(nextMs);
  }

  get #isOn(): boolean {
    return this.#parts.settings.current.infoIntervalMs > 0;
  }

  #scheduleIn(ms: number): void {
    this.#timer = this.#parts.clock.after(ms, () => this.#tick());
  }

  #ask(): void {
    if (this.#asked !== null) return;
    const now = this.#parts.clock.now();
    const command = new Command('INFO', INFO_LINE, now, this);
    this.#isStreamed = false;
    this.#askedAt = now;
    if (!this.#parts.ask(command)) return;
    this.#asked = command;
    this.#askers = this.#nextAskers;
    this.#nextAskers = [];
    this.#parts.guard.asked();
  }

  #intervalMs(): number {
    const { infoIntervalMs } = this.#parts.settings.current;
    const slowedMs = Math.min(INTERVAL_MAX_MS, infoIntervalMs * 2 ** this.#doublings);
    return Math.max(infoIntervalMs, slowedMs);
  }
}
