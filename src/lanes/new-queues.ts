// Keeps the bouncer's own INFO and the first PUSH to a queue apart. Promise: INFO is not asked while such
// a PUSH is at Faktory, and such a PUSH waits while INFO has just been asked, each within a bound; a
// PUSH costs one look at a field while no INFO is at Faktory.
//
// Faktory enters a queue into a map when its first PUSH comes, and INFO walks that map without a lock: if
// both meet, the process ends (v1.7.0 storage/redis.go GetQueue, EachQueue). INFO's answer names the
// queues that are in the map, so nothing is read of a PUSH until INFO is due.

import type { Clock, Timer } from '../base/clock.ts';
import type { Command } from '../protocol/command.ts';
import { pushedQueues } from '../protocol/pushed-queues.ts';
import type { InfoGuard } from '../server/info-poll.ts';
import type { LaneCounts } from './lane-counts.ts';

/** INFO waits no longer than this: the gauges of Faktory would be missing. */
export const WAITS_AT_MOST_MS = 10_000;
/** INFO walks the map as soon as it is read, long before it is answered where Redis is slow. */
export const HELD_AT_MOST_MS = 250;
/** What is read of the PUSHes at Faktory in one look; those beyond count as unknown. */
const LOOK_BYTES_MAX = 128 * 1024;
/** Queues that are remembered. INFO's answer is read up to 64 KiB. */
const KNOWN_MAX = 16_384;

export interface NewQueuesParts {
  readonly clock: Clock;
  readonly counts: LaneCounts;
  /** Commands that are at Faktory. */
  readonly atFaktory: () => Iterable<Command>;
  /** INFO is asked in spite of PUSHes to unknown queues. */
  readonly onForced: () => void;
}

export class NewQueues implements InfoGuard {
  readonly #parts: NewQueuesParts;
  readonly #released: (() => void)[] = [];
  /** Queues in Faktory's map. */
  readonly #known = new Set<string>();
  /** PUSHes to others that were at Faktory at the last look. */
  #seen: ReadonlyMap<Command, readonly string[]> = new Map();
  #waitsSince: number | null = null;
  /** Runs while PUSHes to unknown queues wait for INFO. */
  #holding: Timer | null = null;

  constructor(parts: NewQueuesParts) {
    this.#parts = parts;
  }

  /** Calls `release` when PUSHes that were held may be sent. */
  onReleased(release: () => void): void {
    this.#released.push(release);
  }

  /** Whether INFO has just been asked: a PUSH must then ask holds(). */
  get isHolding(): boolean {
    return this.#holding !== null;
  }

  /** Whether `command` must wait for INFO. */
  holds({ verb, line }: Command): boolean {
    if (this.#holding === null || (verb !== 'PUSH' && verb !== 'PUSHB')) return false;
    return line.length > LOOK_BYTES_MAX || this.#unknownIn(line)?.length !== 0;
  }

  mayAsk(now: number): boolean {
    if (!this.#look()) {
      this.#waitsSince = null;
      return true;
    }
    this.#waitsSince ??= now;
    if (now - this.#waitsSince < WAITS_AT_MOST_MS) return false;
    this.#waitsSince = null;
    this.#parts.counts.infosForced.total += 1;
    this.#parts.onForced();
    return true;
  }

  asked(): void {
    this.#holding ??= this.#parts.clock.after(HELD_AT_MOST_MS, () => this.#release());
  }

  over(queues: readonly string[] | null): void {
    if (queues !== null) {
      this.#known.clear();
      for (const queue of queues) this.#learn(queue);
    }
    this.#release();
  }

  /** Whether a command at Faktory may change the map. Those of the last look that have left have done so. */
  #look(): boolean {
    const commands = [...this.#parts.atFaktory()];
    const here = new Set(commands);
    for (const [command, queues] of this.#seen) {
      if (!here.has(command)) for (const queue of queues) this.#learn(queue);
    }
    const seen = new Map<Command, readonly string[]>();
    let isRisky = false;
    let bytesLeft = LOOK_BYTES_MAX;
    for (const command of commands) {
      const { verb, line } = command;
      // QUEUE REMOVE takes a queue out of the map, MUTATE may put one in.
      if (verb === 'QUEUE' || verb === 'MUTATE') isRisky = true;
      if (verb !== 'PUSH' && verb !== 'PUSHB') continue;
      bytesLeft -= line.length;
      const unknown = bytesLeft < 0 ? null : this.#unknownIn(line);
      if (unknown?.length === 0) continue;
      isRisky = true;
      if (unknown !== null) seen.set(command, unknown);
    }
    this.#seen = seen;
    return isRisky;
  }

  /** The queues that the PUSH or PUSHB names and that are not known; null if they cannot be told. */
  #unknownIn(line: Buffer): string[] | null {
    return pushedQueues(line)?.filter((queue) => !this.#known.has(queue)) ?? null;
  }

  #learn(queue: string): void {
    if (this.#known.size < KNOWN_MAX) this.#known.add(queue);
  }

  #release(): void {
    if (this.#holding === null) return;
    this.#holding.cancel();
    this.#holding = null;
    for (const release of this.#released) release();
  }
}
