// The memory for what is on its way between clients and Faktory. Promise: past the limit, whoever reads
// more into it stops, except one at a time; where it is full of replies that clients do not take, those
// who have had their time for them are given up, so that it becomes free again.

import { BufferReaders, type SharedMemory } from './buffer-readers.ts';
import type { Clock } from './clock.ts';
import type { Live } from './live.ts';

/** A client that has not taken all that it was told. */
export interface Debtor {
  /** Bytes that it has not taken. */
  readonly untaken: number;
  /** It has had its time while others need the memory: what it has not taken is dropped. */
  giveUp(): void;
}

/** Who hears whether there is room. */
export interface BudgetListener {
  /** Whether more should be asked for that has to be held. */
  onBufferRoom(hasRoom: boolean): void;
}

interface Debt {
  bytes: number;
  /** Since when the client has had something to take; monotonic ms. */
  readonly since: number;
}

/**
 * For how long past the limit a client may leave a reply untaken. Others wait for the memory meanwhile:
 * pooled mode passes a job on that arrives up to 2.5 s after its client's time.
 */
export const TAKEN_WITHIN_MS = 2000;
/** How often it is looked over past the limit. */
const LOOK_INTERVAL_MS = 100;
/** Whole replies up to this share of the limit do no harm: the rest suffices for all others. */
const REPLIES_SHARE_MAX = 0.5;

export class BufferBudget {
  /** Clients, and what they have sent. */
  readonly commands: BufferReaders;
  /** Server connections, and replies that are put together. */
  readonly replies: BufferReaders;
  readonly #clock: Clock;
  readonly #settings: Live<{ readonly bufferedBytes: number }>;
  readonly #listeners: BudgetListener[] = [];
  readonly #debts = new Map<Debtor, Debt>();
  #usedBytes = 0;
  #untakenBytes = 0;
  /** Of stray jobs. */
  #keptBytes = 0;
  /** Whether it is past the limit, or was when it was looked over last. */
  #isLookedOver = false;

  constructor(clock: Clock, settings: Live<{ readonly bufferedBytes: number }>) {
    this.#clock = clock;
    this.#settings = settings;
    this.commands = new BufferReaders(this.#shared(() => true));
    // A reply that has come becomes its client's, or a stray job: one more only where those are taken.
    this.replies = new BufferReaders(this.#shared(() => !this.#isFullOfReplies));
  }

  /** The limit may be higher. */
  settingsChanged(): void {
    this.#resume();
  }

  /** All that is held. */
  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** Tells `listener` each change from now on. */
  onChange(listener: BudgetListener): void {
    this.#listeners.push(listener);
  }

  /** `debtor` has not taken all; again whenever it is told more. */
  owes(debtor: Debtor): void {
    const debt = this.#debts.get(debtor);
    if (debt === undefined) this.#debts.set(debtor, { bytes: 0, since: this.#clock.now() });
    this.#untakenIs(debtor, debtor.untaken);
  }

  /** `debtor` has taken all, or never will. Harmless for one that owes nothing. */
  settled(debtor: Debtor): void {
    this.#untakenIs(debtor, 0);
    this.#debts.delete(debtor);
  }

  /** So many bytes more of replies are held for a time of their own; fewer where it is negative. */
  keeps(bytes: number): void {
    this.#keptBytes += bytes;
    this.#change(bytes);
  }

  get #isOver(): boolean {
    return this.#usedBytes > this.#settings.current.bufferedBytes;
  }

  get #isFullOfUntaken(): boolean {
    return this.#untakenBytes > this.#repliesMax;
  }

  /** Of whole replies, whoever they wait for. */
  get #isFullOfReplies(): boolean {
    return this.#untakenBytes + this.#keptBytes > this.#repliesMax;
  }

  get #repliesMax(): number {
    return REPLIES_SHARE_MAX * this.#settings.current.bufferedBytes;
  }

  #shared(mayExempt: () => boolean): SharedMemory {
    const isOver = (): boolean => this.#isOver;
    return {
      get isOver(): boolean {
        return isOver();
      },
      change: (bytes) => this.#change(bytes),
      mayExempt,
    };
  }

  #untakenIs(debtor: Debtor, bytes: number): void {
    const debt = this.#debts.get(debtor);
    if (debt === undefined) return;
    const change = bytes - debt.bytes;
    debt.bytes = bytes;
    this.#untakenBytes += change;
    this.#change(change);
  }

  #change(bytes: number): void {
    this.#usedBytes += bytes;
    if (this.#isOver && !this.#isLookedOver) {
      this.#isLookedOver = true;
      this.#lookLater();
      for (const listener of this.#listeners) listener.onBufferRoom(false);
    }
    if (bytes < 0) this.#resume();
  }

  #resume(): void {
    this.commands.resume();
    this.replies.resume();
  }

  #lookLater(): void {
    this.#clock.after(LOOK_INTERVAL_MS, () => this.#look());
  }

  /** Past the limit, and once more when it is below again: from here, and not in the middle of a reply. */
  #look(): void {
    try {
      this.#relieve();
    } finally {
      if (this.#isOver) this.#lookLater();
      else this.#isLookedOver = false;
    }
    if (this.#isLookedOver) return;
    for (const listener of this.#listeners) listener.onBufferRoom(true);
  }

  #relieve(): void {
    for (const debtor of this.#debts.keys()) this.#untakenIs(debtor, debtor.untaken);
    for (const debtor of this.#overdue()) {
      if (!this.#isOver || !this.#isFullOfUntaken) break;
      if (!this.#debts.has(debtor)) continue;
      this.settled(debtor);
      debtor.giveUp();
    }
    // The limit itself may have moved.
    this.#resume();
  }

  /** Those who have had their time, with the most untaken first. */
  #overdue(): Debtor[] {
    const before = this.#clock.now() - TAKEN_WITHIN_MS;
    return [...this.#debts]
      .filter(([, { since }]) => since <= before)
      .sort(([, a], [, b]) => b.bytes - a.bytes)
      .map(([debtor]) => debtor);
  }
}
