// A number that bounds how many may be there, and that can move. Promise: its value is the smallest of
// those that its sources allow; raising it wakes what waits for room; lowering it closes no connection.

/**
 * Who may set the limit: the configuration, a lease from a shared limit, an adaptive limit, a room that
 * lets nothing through for now, or one that has no memory for more.
 */
export type LimitSource = 'configured' | 'leased' | 'adapted' | 'paused' | 'buffered';

export class Limit {
  readonly #sources: Record<LimitSource, number>;
  readonly #raised: (() => void)[] = [];
  #isEnforced: boolean;
  #value: number;
  /** What holds something back: without observe_only, the value. */
  #inForce: number;

  /** `isEnforced`: false with observe_only, where the limit is known and holds nothing back. */
  constructor(configured: number, isEnforced = true) {
    this.#sources = {
      configured,
      leased: Infinity,
      adapted: Infinity,
      paused: Infinity,
      buffered: Infinity,
    };
    this.#isEnforced = isEnforced;
    this.#value = configured;
    this.#inForce = isEnforced ? configured : Infinity;
  }

  /** The smallest of what the sources allow. */
  get value(): number {
    return this.#value;
  }

  /** What is configured and leased: what an adaptive limit moves below. */
  get granted(): number {
    return Math.min(this.#sources.configured, this.#sources.leased);
  }

  /** What `source` allows; Infinity if it has no say. */
  of(source: LimitSource): number {
    return this.#sources[source];
  }

  /** Whether one more may come where `taken` are there: the one place that knows of observe_only. */
  hasRoom(taken: number): boolean {
    return taken < this.#inForce;
  }

  get isEnforced(): boolean {
    return this.#isEnforced;
  }

  /** What `source` allows from now on; Infinity if it has no say. */
  set(source: LimitSource, value: number): void {
    this.#sources[source] = value;
    this.#change(this.#isEnforced);
  }

  enforce(isEnforced: boolean): void {
    this.#change(isEnforced);
  }

  /** Calls `wake` each time that there may be more room than before. */
  onRaised(wake: () => void): void {
    this.#raised.push(wake);
  }

  /** A pause is not a limit: observe_only does not end it. */
  #change(isEnforced: boolean): void {
    const before = this.#inForce;
    this.#value = Math.min(...Object.values(this.#sources));
    this.#isEnforced = isEnforced;
    this.#inForce = isEnforced ? this.#value : this.#sources.paused;
    if (this.#inForce > before) for (const wake of this.#raised) wake();
  }
}
