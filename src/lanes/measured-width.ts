// Hot path. What the command lane measures of Faktory, and the width that follows from it. Promise: every
// answer that tells how long Faktory works counts once; what was measured before a rest is forgotten.

import type { Placing } from './command-connections.ts';
import { type LaneLoad, LaneWidth, type WidthDecision, type WidthLimits } from './lane-width.ts';
import type { WorkDone } from './round-trips.ts';

/** Faktory may work on one PUSHB for so long, as far as its jobs' time is known. */
const BULK_MS = 250;

export class MeasuredWidth {
  readonly #width: LaneWidth;
  #placing: Placing;
  /** Since the last decision. */
  #answered = 0;
  #workedMs = 0;
  /** Until the last decision. */
  readonly #before = { answered: 0, workedMs: 0 };

  constructor(limits: WidthLimits) {
    this.#width = new LaneWidth(limits);
    this.#placing = placingOf(this.#width);
  }

  /** How commands are placed now. */
  get placing(): Placing {
    return this.#placing;
  }

  /** Whether each command has its connection for itself. */
  get isWide(): boolean {
    return this.#width.isWide;
  }

  /** Whether a change of the width is being tried: none is closed meanwhile. */
  get isTrying(): boolean {
    return this.#width.isTrying;
  }

  /** How long Faktory works on a quick command, in ms; null while that is not known. */
  get workMs(): number | null {
    return this.#width.workMs;
  }

  /** The same without what it takes because the CPU is full. */
  get redisMs(): number | null {
    return this.#width.isCpuFull ? 0 : this.#width.workMs;
  }

  /** As many as Faktory is known to store in BULK_MS; one where that is not known, or it is slow. */
  get bulkJobs(): number {
    const { workMs, isWide } = this.#width;
    return workMs === null || isWide ? 1 : Math.ceil(BULK_MS / workMs);
  }

  /** Whether there were answers since the last decision. */
  get hasAnswers(): boolean {
    return this.#answered > 0;
  }

  /** All that was ever measured. */
  get done(): WorkDone {
    return {
      answered: this.#before.answered + this.#answered,
      workedMs: this.#before.workedMs + this.#workedMs,
    };
  }

  /** Faktory has worked on so many jobs for `workedMs` in all, at least. */
  answered(jobs: number, workedMs: number): void {
    this.#answered += jobs;
    this.#workedMs += workedMs;
  }

  /** Decides again at `now` (monotonic ms). */
  decide(
    now: number,
    limits: WidthLimits,
    load: Omit<LaneLoad, 'answered' | 'workedMs'>,
  ): WidthDecision {
    this.#width.limitTo(limits);
    const measured = { answered: this.#answered, workedMs: this.#workedMs };
    const decision = this.#width.decide(now, { ...load, ...measured });
    this.#before.answered += this.#answered;
    this.#before.workedMs += this.#workedMs;
    this.#answered = 0;
    this.#workedMs = 0;
    this.#placing = placingOf(this.#width);
    return decision;
  }

  /** The next burst may find another server than the last one did. */
  forget(): void {
    this.#width.forget();
    this.#placing = placingOf(this.#width);
  }
}

function placingOf({ window, inUse }: LaneWidth): Placing {
  return { window, inUse };
}
