// How many FETCHes and commands Faktory may work on at once, by how it answers. Promise: pure over `now`
// and what was measured; the limits stay between their floors and the configured ones; FETCHes are the
// first to be lowered and the last to be raised again, so that a slow server goes on to accept and to
// finish work while it takes on less.
//
// The algorithm is Gradient2 of Netflix's concurrency-limits, written afresh: each window compares the
// mean round trip of now (short) with what it has been for long (long), the limit follows their ratio,
// and a little queueing is always allowed. Errors are answered as AIMD does: the limit is multiplied by
// less than 1. What differs here, and why:
// - There are two limits, and one moves at a time: FETCHes fall to their floor before commands fall, and
//   rise when commands are back. A FETCH that finds a job is work like any other, and brings an ACK
//   behind it; one that blocks holds a connection of Faktory's Redis pool.
// - The limits begin as they are configured, and move whatever is in flight. Gradient2 leaves a limit
//   alone that is far above the load; here it would not have fallen when the load comes.
// - A server that is slow, but not because of its load (its Redis waits for a disk), gets no faster when
//   less is in flight. If half of the load takes as long as all of it took, that time is believed to be
//   the server's own, and the limits return. Gradient2 would take minutes to find out.
// - The long round trip is learned from windows that are not slow: else an overload that lasts would
//   become what is usual. At the floor, where nothing is left to be lowered, slow ones count too.

export interface AdaptiveRange {
  /** The limit does not fall below. */
  readonly min: number;
  /** What is configured, leased or otherwise allowed. */
  readonly max: number;
}

export interface AdaptiveBounds {
  readonly fetches: AdaptiveRange;
  readonly commands: AdaptiveRange;
}

/** What was seen since the last decision, and what is there now. */
export interface AdaptiveLoad {
  /** PUSHes, ACKs and FAILs that Faktory has answered. A FETCH blocks by design; a BEAT meets no Redis. */
  readonly answered: number;
  /** For how long Faktory has worked on them in all; milliseconds. */
  readonly workedMs: number;
  /** For how long it has worked on the oldest of those that it has not answered; milliseconds; 0: none. */
  readonly unansweredMs: number;
  /** FETCHes and commands at Faktory. */
  readonly inFlight: number;
  /** Signs that it has more to do than it can; adaptive-sources.ts names them. */
  readonly errors: number;
}

export const ADAPTIVE_KINDS = ['lower', 'back_off', 'raise', 'believe', 'stay'] as const;
export type AdaptiveKind = (typeof ADAPTIVE_KINDS)[number];

/** What is done to the limits, and why. */
export type AdaptiveDecision =
  /** Faktory takes longer than it did: less is sent. */
  | { readonly kind: 'lower'; readonly gradient: number }
  /** It fails at what it has: far less is sent. */
  | { readonly kind: 'back_off'; readonly errors: number }
  /** `fast`: it answers in its usual time. `rested`: nothing was measured for long. */
  | { readonly kind: 'raise'; readonly reason: 'fast' | 'rested' }
  /** It is as slow with half of the load: `ms` is its usual time from now on. */
  | { readonly kind: 'believe'; readonly ms: number }
  | { readonly kind: 'stay'; readonly reason: AdaptiveRest };

export type AdaptiveRest =
  /** Too little was answered yet, or only one window was slow. */
  | 'measuring'
  /** As high as is configured. */
  | 'at_max'
  /** As low as is allowed. */
  | 'at_floor'
  /** As much queueing as is allowed. */
  | 'balanced';

/**
 * A round trip that is shorter is not slow, whatever it was before. A real Faktory on a machine that was
 * busy with other work took 0.7 ms at rest and 1 to 5 ms under load: with 2 ms here, that load alone kept
 * FETCHes near the floor.
 */
const FAST_MS = 10;
/** One slow window is an outlier (a snapshot of Redis, another process); so many in a row are not. */
const SLOW_WINDOWS = 2;
/** So many times the long round trip is not slow yet (Gradient2's rttTolerance). */
const TOLERANCE = 1.5;
/** One window says at most that half is too much. */
const GRADIENT_MIN = 0.5;
/** How much of a slow window's finding counts; the rest is what was found before. */
const SMOOTHING = 0.5;
/** What errors leave of a limit. */
const BACK_OFF = 0.7;
/** A window has so many answers, or lasts so long and has one. */
const WINDOW_ANSWERS = 10;
const WINDOW_LONGEST_MS = 1000;
/** The long round trip is a mean of so many windows at first, then over so long; at the floor, over less. */
const WARM_UP_WINDOWS = 10;
const LONG_MS = 300_000;
const LONG_AT_FLOOR_MS = 60_000;
/** A long round trip that is so many times what is measured now falls faster, window by window. */
const FAR = 2;
const FALLS_TO = 0.9;
/** With half of the load a server that is busy with it takes half as long; above this, it is not. */
const LESS_LOAD = 0.5;
const PAYS_TO = 0.75;
/** What is answered now was sent so many round trips ago at the most, when more was in flight. */
const SETTLES_AFTER = 2;
/** A round trip that has grown by so much since the limit began to fall: it is another server's. */
const SLOWER_STILL = 1.25;
/**
 * Commands are lowered only where one takes so long. Below, one that waits in the bouncer instead gains
 * nothing for its client, and lets FETCHes bring more jobs than there are ACKs. Above, Faktory's Redis
 * pool and go-redis's timeouts come near (3 s a try), and with them acknowledgements in doubt.
 */
const COMMANDS_FROM_MS = 500;
/** Without a sample for so long, what was found says nothing of now. */
const REST_MS = 10_000;

/** Since when the limits fall, and what it was like then. */
interface Descent {
  readonly inFlight: number;
  readonly ms: number;
  readonly limits: FoundLimits;
  /** Since when half of the load is there; null while more is. */
  halvedAt: number | null;
}

export interface FoundLimits {
  readonly fetches: number;
  readonly commands: number;
}

export class AdaptiveLimit {
  #fetches = Infinity;
  #commands = Infinity;
  #shortMs: number | null = null;
  #longMs: number | null = null;
  #windows = 0;
  /** Slow ones in a row. */
  #slowWindows = 0;
  #windowSince: number | null = null;
  #judgedAt = -Infinity;
  #answered = 0;
  #workedMs = 0;
  /** When something was measured last. */
  #measuredAt: number | null = null;
  #descent: Descent | null = null;

  /** The round trip of the last window, ms; null before the first. */
  get shortMs(): number | null {
    return this.#shortMs;
  }

  /** What is usual, ms; null before the first window. */
  get longMs(): number | null {
    return this.#longMs;
  }

  /** What was found. */
  get limits(): FoundLimits {
    return { fetches: Math.floor(this.#fetches), commands: Math.floor(this.#commands) };
  }

  /** What to do at `now` (monotonic ms), given the load since the last call. */
  decide(now: number, load: AdaptiveLoad, bounds: AdaptiveBounds): AdaptiveDecision {
    this.#set(bounds, this.#fetches, this.#commands);
    this.#windowSince ??= now;
    this.#answered += load.answered;
    this.#workedMs += load.workedMs;
    if (load.answered > 0 || load.unansweredMs > 0) this.#measuredAt = now;
    this.#measuredAt ??= now;
    const ms = this.#wholeWindow(now, load);
    if (load.errors > 0) return this.#backOff(load.errors, bounds);
    if (ms !== null) return this.#judge(now, ms, load.inFlight, bounds);
    if (now - this.#measuredAt >= REST_MS) return this.#rest(bounds);
    return { kind: 'stay', reason: 'measuring' };
  }

  /** The window's round trip, ms, and another window begins; null while it is not whole. */
  #wholeWindow(now: number, { answered, unansweredMs }: AdaptiveLoad): number | null {
    const lastsMs = now - (this.#windowSince ?? now);
    const isWhole =
      this.#answered >= WINDOW_ANSWERS || (this.#answered > 0 && lastsMs >= WINDOW_LONGEST_MS);
    const meanMs = isWhole ? this.#workedMs / this.#answered : null;
    // Nothing is answered: how long that takes is known already, and need not be waited for.
    const hangsMs = answered === 0 && unansweredMs > this.#slowFromMs ? unansweredMs : null;
    const ms = hangsMs ?? meanMs;
    if (ms === null) return null;
    this.#windowSince = now;
    this.#answered = 0;
    this.#workedMs = 0;
    this.#shortMs = ms;
    return ms;
  }

  /** A round trip that is longer is slow; ms. */
  get #slowFromMs(): number {
    return this.#longMs === null ? Infinity : Math.max(FAST_MS, TOLERANCE * this.#longMs);
  }

  #backOff(errors: number, bounds: AdaptiveBounds): AdaptiveDecision {
    this.#descent = null;
    if (this.#fetches > bounds.fetches.min) {
      this.#set(bounds, this.#fetches * BACK_OFF, this.#commands);
    } else {
      this.#set(bounds, this.#fetches, this.#commands * BACK_OFF);
    }
    return { kind: 'back_off', errors };
  }

  /** What was found is of another time. */
  #rest(bounds: AdaptiveBounds): AdaptiveDecision {
    this.#descent = null;
    if (this.#isAtMax(bounds)) return { kind: 'stay', reason: 'at_max' };
    this.#set(bounds, Infinity, Infinity);
    return { kind: 'raise', reason: 'rested' };
  }

  #judge(now: number, ms: number, inFlight: number, bounds: AdaptiveBounds): AdaptiveDecision {
    const elapsedMs = Math.min(now - this.#judgedAt, WINDOW_LONGEST_MS);
    this.#judgedAt = now;
    if (ms <= this.#slowFromMs) {
      this.#descent = null;
      this.#slowWindows = 0;
      this.#learn(ms, elapsedMs / LONG_MS);
      return this.#raise(bounds);
    }
    this.#slowWindows += 1;
    if (this.#slowWindows < SLOW_WINDOWS) return { kind: 'stay', reason: 'measuring' };
    const descent = this.#descended(now, ms, inFlight);
    if (this.#didNotPay(now, ms, descent)) {
      this.#longMs = ms;
      this.#descent = null;
      this.#set(bounds, descent.limits.fetches, descent.limits.commands);
      return { kind: 'believe', ms };
    }
    if (!this.#maySendLess(ms, bounds)) {
      this.#learn(ms, elapsedMs / LONG_AT_FLOOR_MS);
      return { kind: 'stay', reason: 'at_floor' };
    }
    return this.#lower(ms, bounds);
  }

  #learn(ms: number, share: number): void {
    this.#windows += 1;
    const longMs = this.#longMs ?? ms;
    const isWarm = this.#windows > WARM_UP_WINDOWS;
    const learned = longMs + (ms - longMs) * (isWarm ? share : 1 / this.#windows);
    this.#longMs = learned > FAR * ms ? learned * FALLS_TO : learned;
  }

  /** From where the limits have fallen: the last point whose effect is not known yet. */
  #descended(now: number, ms: number, inFlight: number): Descent {
    const descent = this.#descent;
    const isHalved = descent !== null && inFlight <= descent.inFlight * LESS_LOAD;
    if (descent === null || ms > descent.ms * SLOWER_STILL) {
      return this.#descendFrom(inFlight, ms);
    }
    if (!isHalved) descent.halvedAt = null;
    else descent.halvedAt ??= now;
    // It has paid: what comes next is judged by itself.
    if (isHalved && ms <= descent.ms * PAYS_TO) return this.#descendFrom(inFlight, ms);
    return descent;
  }

  #descendFrom(inFlight: number, ms: number): Descent {
    this.#descent = { inFlight, ms, limits: this.limits, halvedAt: null };
    return this.#descent;
  }

  #didNotPay(now: number, ms: number, { halvedAt }: Descent): boolean {
    return halvedAt !== null && now - halvedAt >= SETTLES_AFTER * ms;
  }

  #lower(ms: number, bounds: AdaptiveBounds): AdaptiveDecision {
    const gradient = Math.max(GRADIENT_MIN, (TOLERANCE * (this.#longMs ?? ms)) / ms);
    const lowersFetches = this.#fetches > bounds.fetches.min;
    const before = lowersFetches ? this.#fetches : this.#commands;
    const after = step(before, gradient);
    if (lowersFetches) this.#set(bounds, after, this.#commands);
    else this.#set(bounds, this.#fetches, after);
    return after < before ? { kind: 'lower', gradient } : { kind: 'stay', reason: 'balanced' };
  }

  #raise(bounds: AdaptiveBounds): AdaptiveDecision {
    if (this.#isAtMax(bounds)) return { kind: 'stay', reason: 'at_max' };
    if (this.#commands < bounds.commands.max) {
      this.#set(bounds, this.#fetches, this.#commands + Math.sqrt(this.#commands));
    } else {
      this.#set(bounds, this.#fetches + Math.sqrt(this.#fetches), this.#commands);
    }
    return { kind: 'raise', reason: 'fast' };
  }

  #isAtMax({ fetches, commands }: AdaptiveBounds): boolean {
    return this.#fetches >= fetches.max && this.#commands >= commands.max;
  }

  #maySendLess(ms: number, { fetches, commands }: AdaptiveBounds): boolean {
    if (this.#fetches > fetches.min) return true;
    return ms >= COMMANDS_FROM_MS && this.#commands > commands.min;
  }

  #set(bounds: AdaptiveBounds, fetches: number, commands: number): void {
    this.#fetches = between(bounds.fetches, fetches);
    this.#commands = between(bounds.commands, commands);
  }
}

/** Gradient2's: what the gradient leaves, and room for a little queueing; none where it is far too slow. */
function step(limit: number, gradient: number): number {
  const wanted = limit * gradient + (gradient > GRADIENT_MIN ? Math.sqrt(limit) : 0);
  return limit + (wanted - limit) * SMOOTHING;
}

function between({ min, max }: AdaptiveRange, value: number): number {
  return Math.max(min, Math.min(max, value));
}
