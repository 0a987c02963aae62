// Moves the limits of FETCHes and commands in flight by how Faktory answers, while limits.adaptive is on.
// Promise: adaptive-limit.ts decides, a few times each second; while the option is off nothing is
// measured, no timer runs, and the limits are as they are configured.

import type { Clock, Timer } from '../base/clock.ts';
import type { Limit } from '../base/limit.ts';
import type { Live } from '../base/live.ts';
import type { Pause } from '../server/pause.ts';
import { type AdaptiveBounds, AdaptiveLimit, type AdaptiveRange } from './adaptive-limit.ts';
import type { LaneCounts } from './lane-counts.ts';
import type { WorkDone } from './round-trips.ts';

/** What an operator can change about it. */
export interface AdaptiveSettings {
  readonly isOn: boolean;
  /** Neither limit falls below, unless it is configured so. */
  readonly min: number;
}

/** Where the measurements come from. */
export interface Measured {
  /** Whether anything is to be measured from now on. */
  measure(isOn: boolean): void;
  /** What Faktory has done so far. */
  workDone(): WorkDone;
  /** FETCHes and commands at Faktory. */
  inFlight(): number;
  /** For how long the oldest PUSH, ACK or FAIL has been there at `now` (monotonic ms); ms. */
  unansweredMs(now: number): number;
  /** Signs of too much to do, so far: ever growing. */
  errors(): number;
  /** Whether Faktory, or its Redis, is taken to hang. */
  hangs(): boolean;
}

export interface AdaptationParts {
  readonly clock: Clock;
  readonly settings: Live<AdaptiveSettings>;
  readonly fetchesInFlight: Limit;
  readonly commandsInFlight: Limit;
  readonly measured: Measured;
  readonly pause: Pause;
  readonly counts: LaneCounts;
}

/** What it has found. */
export interface AdaptationFacts {
  readonly fetchesInFlight: number;
  readonly commandsInFlight: number;
  /** Round trips, ms; null while not known. */
  readonly shortMs: number | null;
  readonly longMs: number | null;
}

const TICK_MS = 200;

/** What there is while it is on. */
interface Running {
  readonly limit: AdaptiveLimit;
  /** What was there at the last tick. */
  done: WorkDone;
  errors: number;
}

export class Adaptation {
  readonly #parts: AdaptationParts;
  #running: Running | null = null;
  #timer: Timer | null = null;
  #hasStopped = false;

  constructor(parts: AdaptationParts) {
    this.#parts = parts;
  }

  /** Null while it is off. */
  get facts(): AdaptationFacts | null {
    const limit = this.#running?.limit;
    if (limit === undefined) return null;
    const { fetchesInFlight, commandsInFlight } = this.#parts;
    return {
      fetchesInFlight: Math.min(limit.limits.fetches, fetchesInFlight.granted),
      commandsInFlight: Math.min(limit.limits.commands, commandsInFlight.granted),
      shortMs: limit.shortMs,
      longMs: limit.longMs,
    };
  }

  start(): void {
    this.settingsChanged();
  }

  /** It may have been switched on or off, or another floor may hold. */
  settingsChanged(): void {
    const { isOn } = this.#parts.settings.current;
    if (this.#hasStopped || isOn === (this.#running !== null)) return;
    if (isOn) this.#begin();
    else this.#end();
  }

  /** For good. */
  stop(): void {
    this.#hasStopped = true;
    this.#end();
  }

  /** The limits are as they are configured. Idempotent. */
  #end(): void {
    const { measured, fetchesInFlight, commandsInFlight } = this.#parts;
    this.#timer?.cancel();
    this.#timer = null;
    this.#running = null;
    measured.measure(false);
    fetchesInFlight.set('adapted', Infinity);
    commandsInFlight.set('adapted', Infinity);
  }

  #begin(): void {
    const { measured } = this.#parts;
    measured.measure(true);
    this.#running = {
      limit: new AdaptiveLimit(),
      done: measured.workDone(),
      errors: measured.errors(),
    };
    this.#schedule();
  }

  #schedule(): void {
    this.#timer = this.#parts.clock.after(TICK_MS, () => {
      this.#schedule();
      this.#tick();
    });
  }

  #tick(): void {
    const { clock, measured, pause, counts, fetchesInFlight, commandsInFlight } = this.#parts;
    const running = this.#running;
    if (running === null) return;
    const { done, errors } = running;
    running.done = measured.workDone();
    running.errors = measured.errors();
    // What comes during a pause was sent before it, and tells of no load.
    if (pause.isPaused) return;
    const now = clock.now();
    const load = {
      answered: running.done.answered - done.answered,
      workedMs: running.done.workedMs - done.workedMs,
      unansweredMs: measured.unansweredMs(now),
      inFlight: measured.inFlight(),
      errors: running.errors - errors + (measured.hangs() ? 1 : 0),
    };
    const { kind } = running.limit.decide(now, load, this.#bounds);
    counts.adaptiveDecisions.add(kind);
    const { fetches, commands } = running.limit.limits;
    // Commands first: a place that is free for either is theirs.
    commandsInFlight.set('adapted', commands);
    fetchesInFlight.set('adapted', fetches);
  }

  get #bounds(): AdaptiveBounds {
    const { settings, fetchesInFlight, commandsInFlight } = this.#parts;
    const { min } = settings.current;
    return {
      fetches: rangeOf(fetchesInFlight.granted, min),
      commands: rangeOf(commandsInFlight.granted, min),
    };
  }
}

function rangeOf(max: number, min: number): AdaptiveRange {
  return { min: Math.min(min, max), max };
}
