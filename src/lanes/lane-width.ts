// How wide the command lane should be. Promise: pure over `now` and what was measured; the lane is
// narrow and packed while Faktory answers fast, as wide as its commands need while each of them waits
// for a slow Redis, and no wider than pays off.
//
// Faktory works on the commands of one connection one after another (v1.7.0 server/server.go
// processLines), so the connections in use are the commands that it works on at once. By Little's law,
// commands per second are connections in use over seconds per command. Where Faktory waits for Redis,
// twice the connections finish twice the commands; where its CPU is full, each takes twice as long.

export interface WidthLimits {
  /** Connections that are kept however little there is to do. */
  readonly base: number;
  /** Most connections. */
  readonly max: number;
}

/** What the lane has measured since it asked last, and what is there now. */
export interface LaneLoad {
  /** Connections that are open. */
  readonly open: number;
  /** Connections that are being dialled. */
  readonly opening: number;
  /** Commands that wait for a connection. */
  readonly waiting: number;
  /** Commands answered. */
  readonly answered: number;
  /** For how long Faktory has worked on them in all, at least; milliseconds. */
  readonly workedMs: number;
  /** For how long Faktory has worked, at least, on what it has not answered: the mean; milliseconds. */
  readonly unansweredMs: number;
}

export type WidthDecision =
  | { readonly kind: 'stay'; readonly reason: StayReason }
  /** Dial `by` more connections. */
  | { readonly kind: 'grow'; readonly by: number };

export type StayReason =
  /** Nothing waits, or what waits will go with what is on its way. */
  | 'enough'
  /** Commands are answered faster than a connection more would help. */
  | 'fast'
  /** As wide as is allowed. */
  | 'at_max'
  /** Whether the last change pays off is being measured. */
  | 'trial'
  /** More connections did not pay off a short while ago. */
  | 'did_not_pay'
  /** Nothing is answered: connections that dial a Redis that hangs would fill its backlog. */
  | 'no_answers';

/** Answers over a while, at one width. */
interface Sample {
  readonly since: number;
  answered: number;
  workedMs: number;
}

/** A change of the width whose effect is being measured. */
type Trial =
  /** More connections were asked for; `sample` is null until all are open. */
  | {
      readonly kind: 'wider';
      readonly from: number;
      readonly to: number;
      readonly workMsBefore: number;
      sample: Sample | null;
    }
  /** Commands have become faster: what is answered at this width, before fewer are used. */
  | { readonly kind: 'before_narrower'; readonly sample: Sample }
  /** Fewer are used than before. */
  | {
      readonly kind: 'narrower';
      readonly from: number;
      readonly rateBefore: number;
      readonly sample: Sample;
    };

/**
 * A command that Faktory works on for longer is slow: it shares its connection with no other. Below,
 * so many share one that the last waits no longer than this.
 */
const SLOW_MS = 2;
/** Commands outstanding on one connection; it bounds how many a slow one can hold up. */
export const WINDOW_MAX = 16;
/** Before anything is measured: few, since the first ones may be slow. */
const WINDOW_AT_FIRST = 4;
/** What was measured longer ago says nothing of now. */
const FORGET_AFTER_MS = 1000;
/**
 * One change multiplies or divides the connections in use by at most this, until a growth has paid off
 * almost in full: then the next one may be as large as it has to be.
 */
const STEP = 4;
const PAYS_IN_FULL_FROM = 0.75;
/** A trial lasts at least this long, and until there are as many answers as connections. */
const TRIAL_MS = 100;
/** Of the gain that a server without a limit of its own would show, what must be there to stay wider. */
const PAYS_FROM = 0.25;
/** Of the commands per second before, what must be there to stay narrower. */
const NO_LOSS_FROM = 0.9;
/** Commands that are so much faster than when the width was found are a reason to try less of it. */
const FASTER = 0.5;
const HOLD_OFF_FIRST_MS = 5000;
const HOLD_OFF_LONGEST_MS = 60_000;
/** How much of a measurement counts at once; the rest is what was known before. */
const WEIGHT = 0.5;

export class LaneWidth {
  #limits: WidthLimits;
  #inUse: number;
  /** Milliseconds of Faktory's work on one command, smoothed; null while not known. */
  #workMs: number | null = null;
  #measuredAt = -Infinity;
  /** The same when the width was last found to be right. */
  #settledMs = 0;
  #trial: Trial | null = null;
  #heldOffUntil = -Infinity;
  #holdOffMs = HOLD_OFF_FIRST_MS;
  #answeredSinceGrowth = 0;
  /** The next growth multiplies by at most this. */
  #growth = STEP;

  constructor(limits: WidthLimits) {
    this.#limits = limits;
    this.#inUse = limits.base;
  }

  /** Other limits hold from now on. */
  limitTo(limits: WidthLimits): void {
    this.#limits = limits;
    this.#inUse = Math.max(limits.base, Math.min(this.#inUse, limits.max));
  }

  /** How many connections may have something outstanding; those beyond close as they become idle. */
  get inUse(): number {
    return this.#inUse;
  }

  /** How many commands may be outstanding on one connection. */
  get window(): number {
    const workMs = this.#workMs;
    if (workMs === null) return WINDOW_AT_FIRST;
    if (workMs * WINDOW_MAX <= SLOW_MS) return WINDOW_MAX;
    return Math.max(1, Math.floor(SLOW_MS / workMs));
  }

  /** Whether each command has its connection for itself. */
  get isWide(): boolean {
    return this.window === 1;
  }

  /** Milliseconds that Faktory works on one command, smoothed; null while not known. */
  get workMs(): number | null {
    return this.#workMs;
  }

  /** Nothing is on its way: what was measured says nothing of what comes next. */
  forget(): void {
    this.#workMs = null;
    this.#trial = null;
    this.#growth = STEP;
  }

  /** What to do at `now` (monotonic ms), given the load since the last call. */
  decide(now: number, load: LaneLoad): WidthDecision {
    this.#measure(now, load);
    if (this.#trial === null) this.#useNoMoreThan(load.open + load.opening);
    this.#judgeTrial(now, load);
    if (this.#trial === null && this.#isMuchFaster()) {
      this.#trial = { kind: 'before_narrower', sample: sampleFrom(now) };
    }
    const reason = this.#reasonToStay(now, load);
    return reason === null ? this.#grow(load) : { kind: 'stay', reason };
  }

  #measure(now: number, { answered, workedMs, unansweredMs }: LaneLoad): void {
    this.#answeredSinceGrowth += answered;
    if (answered > 0) {
      this.#learn(now, workedMs / answered);
    } else if (unansweredMs > (this.#workMs ?? 0)) {
      // Not answered yet, but it has taken that long already.
      this.#learn(now, unansweredMs);
    } else if (now - this.#measuredAt > FORGET_AFTER_MS) {
      this.#workMs = null;
    }
  }

  /** Slower than known counts at once, so that nothing is packed behind it; faster is believed slowly. */
  #learn(now: number, workMs: number): void {
    const known = this.#workMs;
    this.#workMs = known === null || workMs > known ? workMs : known + (workMs - known) * WEIGHT;
    this.#settledMs = Math.max(this.#settledMs, this.#workMs);
    this.#measuredAt = now;
  }

  /** Connections were lost or closed: the way back to the width is by growth. */
  #useNoMoreThan(existing: number): void {
    this.#inUse = Math.max(this.#limits.base, Math.min(this.#inUse, existing));
  }

  #isMuchFaster(): boolean {
    if (this.#workMs === null || this.#inUse <= this.#limits.base) return false;
    return this.#workMs < this.#settledMs * FASTER;
  }

  #judgeTrial(now: number, load: LaneLoad): void {
    const trial = this.#trial;
    if (trial === null) return;
    switch (trial.kind) {
      case 'wider':
        this.#judgeWider(trial, now, load);
        return;
      case 'before_narrower':
        if (isWhole(trial.sample, now, load, this.#inUse))
          this.#narrow(now, rateOf(trial.sample, now));
        return;
      case 'narrower':
        if (isWhole(trial.sample, now, load, this.#inUse)) this.#judgeNarrower(trial, now);
    }
  }

  #judgeWider(trial: Trial & { kind: 'wider' }, now: number, load: LaneLoad): void {
    if (load.opening > 0) return;
    this.#inUse = Math.max(this.#limits.base, Math.min(load.open, trial.to));
    if (load.waiting === 0) {
      // What was asked for is served.
      this.#settle();
      return;
    }
    trial.sample ??= sampleFrom(now);
    if (trial.sample.since === now || !isWhole(trial.sample, now, load, this.#inUse)) return;
    const { answered, workedMs } = trial.sample;
    // By Little's law: all connections are in use, since commands wait.
    const gain = (this.#inUse * trial.workMsBefore) / (trial.from * (workedMs / answered)) - 1;
    const gainMost = this.#inUse / trial.from - 1;
    this.#settle();
    this.#growth = gain >= gainMost * PAYS_IN_FULL_FROM ? Infinity : STEP;
    if (gain >= gainMost * PAYS_FROM) {
      this.#holdOffMs = HOLD_OFF_FIRST_MS;
      return;
    }
    this.#inUse = Math.max(trial.from, this.#limits.base);
    this.#heldOffUntil = now + this.#holdOffMs;
    this.#holdOffMs = Math.min(2 * this.#holdOffMs, HOLD_OFF_LONGEST_MS);
  }

  #narrow(now: number, rateBefore: number): void {
    const from = this.#inUse;
    this.#inUse = Math.max(this.#limits.base, Math.ceil(from / STEP));
    this.#trial = { kind: 'narrower', from, rateBefore, sample: sampleFrom(now) };
  }

  #judgeNarrower(trial: Trial & { kind: 'narrower' }, now: number): void {
    const rate = rateOf(trial.sample, now);
    this.#settle();
    if (rate < trial.rateBefore * NO_LOSS_FROM) this.#inUse = trial.from;
    // It was enough: less may be, too.
    else if (this.#inUse > this.#limits.base) this.#narrow(now, trial.rateBefore);
  }

  #settle(): void {
    this.#trial = null;
    this.#settledMs = this.#workMs ?? 0;
  }

  #reasonToStay(now: number, { opening, waiting }: LaneLoad): StayReason | null {
    if (waiting <= opening) return 'enough';
    if (!this.isWide) return 'fast';
    if (this.#trial !== null || opening > 0) return 'trial';
    if (this.#inUse >= this.#limits.max) return 'at_max';
    if (now < this.#heldOffUntil) return 'did_not_pay';
    if (this.#answeredSinceGrowth === 0) return 'no_answers';
    return null;
  }

  #grow({ open, waiting }: LaneLoad): WidthDecision {
    const from = this.#inUse;
    const to = Math.min(from + waiting, from * this.#growth, this.#limits.max);
    this.#trial = { kind: 'wider', from, to, workMsBefore: this.#workMs ?? 0, sample: null };
    this.#answeredSinceGrowth = 0;
    return { kind: 'grow', by: Math.max(0, to - open) };
  }
}

function sampleFrom(now: number): Sample {
  return { since: now, answered: 0, workedMs: 0 };
}

/** Adds the load; whether there is enough to judge by, where `width` connections are in use. */
function isWhole(sample: Sample, now: number, load: LaneLoad, width: number): boolean {
  sample.answered += load.answered;
  sample.workedMs += load.workedMs;
  return now - sample.since >= TRIAL_MS && sample.answered >= width;
}

/** Answers per ms. */
function rateOf(sample: Sample, now: number): number {
  return sample.answered / (now - sample.since);
}
