// Where writes wait while a +OK would mean nothing, or for the bouncer's own INFO. Promise: while
// Faktory or its Redis hangs, or Redis refuses writes, no new PUSH, PUSHB or FAIL is sent; each is sent
// in order when Faktory is sound again, or is refused with the reason when it has waited its time.

import type { Clock } from '../base/clock.ts';
import { eachOf } from '../base/each-of.ts';
import { Fifo } from '../base/fifo.ts';
import type { Live } from '../base/live.ts';
import { Pump } from '../base/pump.ts';
import type { Command } from '../protocol/command.ts';
import { writeRefused } from '../protocol/error-texts.ts';
import type { WriteHealth, WriteHealthListener } from '../server/write-health.ts';
import type { LaneCounts } from './lane-counts.ts';
import type { LaneSettings } from './lane-settings.ts';

/** A command that stores a job, and that has not been sent. */
export interface HeldWrite {
  /** When it was read; monotonic ms. */
  readonly readAt: number;
  /** False if it must not be sent any more, for example because its client has left. */
  readonly isWorthSending: boolean;
  /** It may be sent. */
  goOn(): void;
  /** It is answered with this error. */
  refuse(text: Buffer): void;
}

/** What else may keep a write back. */
export interface Withholder {
  /** Whether `holds` must be asked. */
  readonly isHolding: boolean;
  holds(write: Command): boolean;
  /** Calls `release` when what was kept back may be sent. */
  onReleased(release: () => void): void;
}

export interface WriteGateParts {
  readonly clock: Clock;
  readonly settings: Live<LaneSettings>;
  readonly counts: LaneCounts;
  readonly health: WriteHealth;
  readonly newQueues: Withholder;
  readonly onBug: (error: unknown) => void;
}

/** How often those held are looked over for those that have waited too long. */
const EXPIRY_INTERVAL_MS = 100;

export class WriteGate implements WriteHealthListener {
  readonly #parts: WriteGateParts;
  readonly #held = new Fifo<HeldWrite>();
  readonly #release: Pump;
  #expiryIsDue = false;
  #passed = 0;

  constructor(parts: WriteGateParts) {
    this.#parts = parts;
    this.#release = new Pump(() => this.#releaseNext(), parts.onBug);
    parts.health.onChange(this);
    parts.newQueues.onReleased(() => void this.#release.run());
  }

  /** Writes that were sent so far. */
  get passed(): number {
    return this.#passed;
  }

  get held(): number {
    return this.#held.length;
  }

  /** Whether a write may be sent now. */
  get isOpen(): boolean {
    return this.#parts.health.mayWrite;
  }

  /** Whether every write may be sent now. */
  get isOpenForAll(): boolean {
    return this.isOpen && !this.#parts.newQueues.isHolding;
  }

  /** Whether `write` must wait. */
  holdsBack(write: Command): boolean {
    const { health, newQueues } = this.#parts;
    return !health.mayWrite || (newQueues.isHolding && newQueues.holds(write));
  }

  /** A write is sent. */
  pass(): void {
    this.#passed += 1;
  }

  /** Takes a write in until it may be sent. */
  hold(write: HeldWrite): void {
    this.#held.push(write);
    this.#parts.counts.writesHeld.total += 1;
    this.#scheduleExpiry();
  }

  onWriteState(): void {
    this.reconsider();
  }

  /** The write state, or the rule that acts on it, may be another. */
  reconsider(): void {
    this.#release.run();
  }

  #releaseNext(): 'more' | 'done' {
    if (!this.isOpenForAll) return 'done';
    const next = this.#held.shift();
    if (next === undefined) return 'done';
    if (next.isWorthSending) next.goOn();
    return 'more';
  }

  #scheduleExpiry(): void {
    if (this.#expiryIsDue) return;
    this.#expiryIsDue = true;
    this.#parts.clock.after(EXPIRY_INTERVAL_MS, () => this.#expire());
  }

  #expire(): void {
    this.#expiryIsDue = false;
    const { clock, settings, onBug } = this.#parts;
    const before = clock.now() - settings.current.outageWaitMs;
    // What is left then waits for INFO alone, and not for long.
    const isOverdue = ({ readAt }: HeldWrite): boolean => readAt < before && !this.isOpen;
    const kept: HeldWrite[] = [];
    // What a client sent behind a write that is refused is held then, and has waited as long.
    for (let write = this.#held.shift(); write !== undefined; write = this.#held.shift()) {
      const held = write;
      if (!held.isWorthSending) continue;
      if (isOverdue(held)) eachOf(onBug, [() => this.#refuse(held)]);
      else kept.push(held);
    }
    for (const write of kept) this.#held.push(write);
    if (this.#held.length > 0) this.#scheduleExpiry();
  }

  /** If the server was found sound in this very moment, the text still names its former state. */
  #refuse(write: HeldWrite): void {
    const { health, counts } = this.#parts;
    const { state } = health;
    const kind = state.kind === 'refusing' ? 'refusing' : 'suspect';
    write.refuse(writeRefused(kind, state.kind === 'sound' ? '' : state.reason));
    counts.writesRefused.add(kind);
  }
}
