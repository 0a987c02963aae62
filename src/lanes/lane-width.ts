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
  /** How long a command takes where each has a connection to itself is being measured. */
  | 'measuring'
  /** Whether the last change pays off is being measured. */
  | 'trial'
  /** More connections did not pay off a short while ago. */
  | 'did_not_pay'
  /** Nothing is answered since it grew: Redis may hang, and each command more would be in doubt. */
  | 'no_answers';

/** Answers over a while, at one width. */
interface Sample {
  readonly since: number;
  answered: number;
  workedMs: number;
}

/** What a whole sample says. */
interface Measured {
  /** How long Faktory worked on a command. */
  readonly meanMs: number;
  /** Commands answered per ms. */
  readonly perMs: number;
}

/** More connections, whose effect is being measured. */
interface Widening {
  readonly from: number;
  /** Null where Redis became slow before anything was measured. */
  readonly before: Measured | null;
}

/** Fewer connections, whose effect is being measured. */
interface Narrowing {
  readonly from: number;
  readonly before: Measured;
}

type Trial = ({ readonly kind: 'wider' } & Widening) | ({ readonly kind: 'narrower' } & Narrowing);

/**
 * A command that Faktory works on for longer is slow: it shares its connection with no other. Below,
 * so many share one that the last waits no longer than this.
 */
const SLOW_MS = 2;
/**
 * The same where Faktory's CPU is full: a command waits there as long, whatever its connection, and those that
 * share one cost less CPU.
 */
const SLOW_AT_FULL_CPU_MS = 20;
/** Commands outstanding on one connection; it bounds how many a slow one can hold up. */
export const WINDOW_MAX = 16;
/** Before anything is measured: few, since the first ones may be slow. */
const WINDOW_AT_FIRST = 2;
/** What was measured longer ago says nothing of now. */
const FORGET_AFTER_MS = 1000;
/**
 * One change multiplies or divides the connections in use by at most this, until a growth has paid off
 * almost in full or is sure to: then the next one may be as large as it has to be.
 */
const STEP = 4;
/**
 * A command that takes longer than this waits for Redis: with the base alone, a CPU that is so slow would
 * answer 400 commands per second.
 */
const SURELY_REDIS_MS = 40;
/** A smaller growth shows no effect that could be told from noise: it is judged together with the next. */
const JUDGED_FROM = 2;
/**
 * A mean is taken over at least this time, and as many answers as there are connections in use: a slow
 * Redis answers in bursts, and each connection must have had its part of them.
 */
const SAMPLE_MS = 150;
/** Answers so soon after a change of the width say nothing of it. */
const SETTLE_MS = 50;
/** Of the gain that a server without a limit of its own would show, what must be there to stay wider. */
const PAYS_FROM = 0.25;
const PAYS_IN_FULL_FROM = 0.6;
/** A gain that may be chance. */
const NOISE = 0.15;
/** Commands that are so much faster than when the width was found are a reason to try less of it. */
const FASTER = 0.5;
/** Commands that take so many times as long as when the CPU was found full wait for something else. */
const SLOWER = 3;
/** Fewer connections are enough where they answer so much of what was answered before. */
const KEEPS_FROM = 0.9;
const HOLD_OFF_FIRST_MS = 1000;
const HOLD_OFF_LONGEST_MS = 60_000;
/** How much of a measurement counts at once; the rest is what was known before. */
const WEIGHT = 0.5;

export class LaneWidth {
  #limits: WidthLimits;
  #inUse: number;
  /** Milliseconds of Faktory's work on one command, quick to follow; null while not known. */
  #workMs: number | null = null;
  #measuredAt = -Infinity;
  #sample: Sample = { since: -Infinity, answered: 0, workedMs: 0 };
  /** The last whole sample; null before the first. */
  #measured: Measured | null = null;
  /** How long Faktory worked on a command when the width was last found to be right. */
  #settledMs = 0;
  #trial: Trial | null = null;
  /** From where the lane has grown by steps too small to be judged; null if it has not. */
  #unjudged: Widening | null = null;
  /** How long Faktory worked on a command when more connections finished no more: its CPU is full; or null. */
  #fullCpuMs: number | null = null;
  /** When what did not pay off may be tried again, and how long it is left alone next time. */
  readonly #heldOff = { wider: -Infinity, narrower: -Infinity };
  readonly #holdOffMs = { wider: HOLD_OFF_FIRST_MS, narrower: HOLD_OFF_FIRST_MS };
  /** Nothing has been answered since the lane grew. One growth needs no answer: the first of a burst. */
  #isGrowthUnanswered = false;
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
    const sharesAll = this.isCpuFull && this.#trial === null;
    return this.#windowFor(sharesAll ? SLOW_AT_FULL_CPU_MS : SLOW_MS);
  }

  /** Whether each command has its connection for itself. */
  get isWide(): boolean {
    return this.window === 1;
  }

  /** Milliseconds that Faktory works on one command; null while not known. */
  get workMs(): number | null {
    return this.#workMs;
  }

  /** Whether more connections finished no more commands when that was tried last. */
  get isCpuFull(): boolean {
    return this.#fullCpuMs !== null;
  }

  /** Nothing is on its way: what was measured says nothing of what comes next. */
  forget(): void {
    this.#workMs = null;
    this.#measured = null;
    this.#trial = null;
    this.#unjudged = null;
    this.#fullCpuMs = null;
    this.#growth = STEP;
    this.#isGrowthUnanswered = false;
  }

  /** Whether a change is being judged: the connections that it leaves out may be needed again. */
  get isTrying(): boolean {
    return this.#trial !== null;
  }

  /** What to do at `now` (monotonic ms), given the load since the last call. */
  decide(now: number, load: LaneLoad): WidthDecision {
    const wasWide = this.isWide;
    this.#measure(now, load);
    // What commands took that shared connections, or travelled together, says nothing of one alone.
    if (this.isWide && !wasWide) this.#measureAfresh(now);
    else if (this.#trial === null && this.#hasBecomeSlower) this.#measureAfresh(now);
    if (this.#trial === null) this.#useNoMoreThan(load.open + load.opening);
    if (load.opening > 0) this.#startSample(now);
    else if (this.#sampleIsWhole(now, load)) this.#judge(now, load);
    const reason = this.#reasonToStay(now, load);
    return reason === null ? this.#grow(now, load) : { kind: 'stay', reason };
  }

  #windowFor(slowMs: number): number {
    const workMs = this.#workMs;
    if (workMs === null) return WINDOW_AT_FIRST;
    if (workMs * WINDOW_MAX <= slowMs) return WINDOW_MAX;
    return Math.max(1, Math.floor(slowMs / workMs));
  }

  #measure(now: number, { answered, workedMs, unansweredMs }: LaneLoad): void {
    if (answered > 0) {
      this.#isGrowthUnanswered = false;
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
    this.#measuredAt = now;
  }

  /** Connections were lost or closed: the way back to the width is by growth. */
  #useNoMoreThan(existing: number): void {
    this.#inUse = Math.max(this.#limits.base, Math.min(this.#inUse, existing));
  }

  #measureAfresh(now: number): void {
    this.#measured = null;
    this.#startSample(now);
  }

  get #hasBecomeSlower(): boolean {
    return this.#measured !== null && (this.#workMs ?? 0) > 2 * this.#measured.meanMs;
  }

  /** During a trial, behind those commands that Faktory was at before it began. */
  #startSample(now: number): void {
    const settlesInMs =
      this.#trial === null ? 0 : Math.max(SETTLE_MS, this.#trial.before?.meanMs ?? 0);
    this.#sample = { since: now + settlesInMs, answered: 0, workedMs: 0 };
  }

  #sampleIsWhole(now: number, { answered, workedMs }: LaneLoad): boolean {
    const sample = this.#sample;
    if (now <= sample.since) return false;
    sample.answered += answered;
    sample.workedMs += workedMs;
    return now - sample.since >= SAMPLE_MS && sample.answered >= this.#inUse;
  }

  /** A sample is whole: ends the trial, or finds a reason to begin one. */
  #judge(now: number, { waiting }: LaneLoad): void {
    const { answered, workedMs, since } = this.#sample;
    const measured = { meanMs: workedMs / answered, perMs: answered / (now - since) };
    this.#measured = measured;
    this.#startSample(now);
    const trial = this.#trial;
    this.#trial = null;
    if (trial?.kind === 'narrower') this.#judgeNarrower(now, trial, measured);
    else if (trial !== null) this.#judgeWider(now, trial, measured, waiting > 0);
    else this.#lookAtChange(now, measured);
  }

  /** Where Faktory waits for Redis, more connections answer more in proportion. */
  #judgeWider(now: number, { from, before }: Widening, measured: Measured, isFull: boolean): void {
    const { meanMs } = measured;
    this.#settledMs = meanMs;
    this.#unjudged = null;
    if (before === null || before.meanMs >= SURELY_REDIS_MS) {
      this.#fullCpuMs = null;
      return;
    }
    const ratio = this.#inUse / from;
    if (ratio < JUDGED_FROM) {
      this.#unjudged = { from, before };
      return;
    }
    // While commands wait all connections are in use, and Little's law tells more than so short a count.
    const times = isFull ? (ratio * before.meanMs) / meanMs : measured.perMs / before.perMs;
    const gain = times - 1;
    // Less is asked for by now.
    if (!isFull && gain < -NOISE) return;
    this.#growth = gain >= (ratio - 1) * PAYS_IN_FULL_FROM ? Infinity : STEP;
    if (gain >= (ratio - 1) * PAYS_FROM) {
      this.#holdOffMs.wider = HOLD_OFF_FIRST_MS;
      this.#fullCpuMs = null;
      return;
    }
    // So many would have answered as much, had none waited for the CPU.
    const needed = gain < NOISE ? from : Math.ceil(from * (1 + gain));
    this.#inUse = Math.max(this.#limits.base, needed);
    this.#settledMs = before.meanMs;
    this.#fullCpuMs = before.meanMs;
    this.#holdOff('wider', now);
  }

  #lookAtChange(now: number, measured: Measured): void {
    if (this.#fullCpuMs !== null && measured.meanMs > this.#fullCpuMs * SLOWER) {
      this.#fullCpuMs = null;
      this.#heldOff.wider = -Infinity;
    }
    const isFaster = measured.meanMs < Math.min(this.#settledMs * FASTER, SURELY_REDIS_MS);
    if (isFaster && now >= this.#heldOff.narrower) this.#tryNarrower(measured);
  }

  #tryNarrower(before: Measured): void {
    const from = this.#inUse;
    if (from <= this.#limits.base) return;
    this.#unjudged = null;
    this.#trial = { kind: 'narrower', from, before };
    this.#inUse = Math.max(this.#limits.base, Math.ceil(from / STEP));
  }

  #judgeNarrower(now: number, { from, before }: Narrowing, measured: Measured): void {
    this.#settledMs = measured.meanMs;
    if (measured.perMs < before.perMs * KEEPS_FROM) {
      this.#inUse = from;
      this.#holdOff('narrower', now);
    } else {
      this.#tryNarrower(measured);
    }
  }

  #holdOff(kind: Trial['kind'], now: number): void {
    this.#heldOff[kind] = now + this.#holdOffMs[kind];
    this.#holdOffMs[kind] = Math.min(2 * this.#holdOffMs[kind], HOLD_OFF_LONGEST_MS);
  }

  #reasonToStay(now: number, { opening, waiting }: LaneLoad): StayReason | null {
    if (waiting <= opening) return 'enough';
    if (!this.#isSlow) return 'fast';
    if (this.#trial !== null || opening > 0) return 'trial';
    if (this.#inUse >= this.#limits.max) return 'at_max';
    if (now < this.#heldOff.wider) return 'did_not_pay';
    if (this.#isGrowthUnanswered) return 'no_answers';
    if (this.#measured === null && !this.#waitsForRedis) return 'measuring';
    return null;
  }

  /** Whether commands would have a connection each, unless that is known not to pay off. */
  get #isSlow(): boolean {
    return this.#windowFor(SLOW_MS) === 1;
  }

  get #waitsForRedis(): boolean {
    return (this.#workMs ?? 0) >= SURELY_REDIS_MS;
  }

  #grow(now: number, { open, waiting }: LaneLoad): WidthDecision {
    const inUse = this.#inUse;
    const growth = this.#waitsForRedis ? Infinity : this.#growth;
    const to = Math.min(inUse + waiting, inUse * growth, this.#limits.max);
    const { from, before } = this.#unjudged ?? { from: inUse, before: this.#measured };
    this.#trial = { kind: 'wider', from, before };
    this.#inUse = to;
    this.#isGrowthUnanswered = true;
    this.#startSample(now);
    return { kind: 'grow', by: Math.max(0, to - open) };
  }
}
