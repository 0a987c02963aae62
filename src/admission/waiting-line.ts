// The visitors that wait, each under what it waits for. Promise: the next one for a worker, an address or
// a place is found without looking at the others, however many wait; one that has left is in no list.

import { Line, type Seat } from '../base/line.ts';
import { RankedLine, type RankedSeat } from '../base/ranked-line.ts';
import type { FullCrowd, Member } from './crowds.ts';
import { ROLES, type Role } from './roles.ts';

/** A client that has sent HELLO, as far as a line must know it. */
export interface Waiting extends Member {
  readonly role: Role;
  /** Whether a server connection must be had for this client alone as `role`, asked at the moment of decision. */
  needsPlace(role: Role): boolean;
}

/** What a visitor waits for: room in its worker's or its address's limit, or a place. */
export type WaitReason = FullCrowd['reason'] | 'server_connections';

/** Ranks of workers begin here: behind every producer, however many have come. */
const FIRST_RANK: Readonly<Record<Role, number>> = { producer: 0, worker: 2 ** 51 };

/** One visitor's wait. */
export interface Wait<Visitor extends Waiting> {
  readonly visitor: Visitor;
  readonly role: Role;
  /** Producers first, then first come first served. */
  readonly rank: number;
  /** Monotonic ms. */
  readonly since: number;
}

/** Waits by a key, in order of their ranks. */
class KeyedLines<Visitor extends Waiting> {
  readonly #lines = new Map<string, RankedLine<Wait<Visitor>>>();

  first(key: string): Wait<Visitor> | null {
    return this.#lines.get(key)?.first?.value ?? null;
  }

  /** Returns what takes the wait out again. */
  join(key: string, wait: Wait<Visitor>): () => void {
    let line = this.#lines.get(key);
    if (line === undefined) this.#lines.set(key, (line = new RankedLine()));
    const seat = line.join(wait.rank, wait);
    return () => this.#leave(key, seat);
  }

  #leave(key: string, seat: RankedSeat<Wait<Visitor>>): void {
    const line = this.#lines.get(key);
    line?.leave(seat);
    if (line?.length === 0) this.#lines.delete(key);
  }
}

interface Entry<Visitor extends Waiting> {
  readonly wait: Wait<Visitor>;
  readonly seat: Seat<Wait<Visitor>>;
  /** Takes it out of the line of what it waits for. */
  release: () => void;
}

export class WaitingLine<Visitor extends Waiting> {
  readonly #entries = new Map<Visitor, Entry<Visitor>>();
  /** In order of arrival. */
  readonly #arrivals: Record<Role, Line<Wait<Visitor>>> = {
    producer: new Line(),
    worker: new Line(),
  };
  readonly #forWorker = new KeyedLines<Visitor>();
  readonly #forAddress = new KeyedLines<Visitor>();
  readonly #forPlace: Record<Role, RankedLine<Wait<Visitor>>> = {
    producer: new RankedLine(),
    worker: new RankedLine(),
  };
  /** Those in #forPlace once more, by worker: in pooled mode its first place is enough for all. */
  readonly #forPlaceByWorker = new KeyedLines<Visitor>();
  #arrived = 0;
  #peak = 0;

  get size(): number {
    return this.#entries.size;
  }

  /** The most that ever waited at a time. */
  get peak(): number {
    return this.#peak;
  }

  waiting(role: Role): number {
    return this.#arrivals[role].length;
  }

  /** When the first in line began to wait; null if the line is empty. */
  get oldestSince(): number | null {
    let oldest: number | null = null;
    for (const role of ROLES) {
      const since = this.#arrivals[role].first?.since;
      if (since !== undefined && (oldest === null || since < oldest)) oldest = since;
    }
    return oldest;
  }

  /** `visitor` waits from `now` on (monotonic ms) for what `reason` says. */
  join(visitor: Visitor, reason: WaitReason, now: number): void {
    const { role } = visitor;
    this.#arrived += 1;
    const wait: Wait<Visitor> = {
      visitor,
      role,
      rank: FIRST_RANK[role] + this.#arrived,
      since: now,
    };
    const seat = this.#arrivals[role].join(wait);
    this.#entries.set(visitor, { wait, seat, release: this.#holdBack(wait, reason) });
    this.#peak = Math.max(this.#peak, this.size);
  }

  /** It waits for something else from now on; it keeps its rank. */
  move({ visitor }: Wait<Visitor>, reason: WaitReason): void {
    const entry = this.#entries.get(visitor);
    if (entry === undefined) return;
    entry.release();
    entry.release = this.#holdBack(entry.wait, reason);
  }

  /** False for one that does not wait. */
  leave(visitor: Visitor): boolean {
    const entry = this.#entries.get(visitor);
    if (entry === undefined) return false;
    this.#entries.delete(visitor);
    entry.seat.leave();
    entry.release();
    return true;
  }

  has(visitor: Visitor): boolean {
    return this.#entries.has(visitor);
  }

  /** All, in order of their ranks. */
  all(): Wait<Visitor>[] {
    return ROLES.flatMap((role) => [...this.#arrivals[role]]);
  }

  firstForWorker(wid: string): Wait<Visitor> | null {
    return this.#forWorker.first(wid);
  }

  firstForAddress(address: string): Wait<Visitor> | null {
    return this.#forAddress.first(address);
  }

  firstForPlace(role: Role): Wait<Visitor> | null {
    return this.#forPlace[role].first?.value ?? null;
  }

  waitingForPlace(role: Role): number {
    return this.#forPlace[role].length;
  }

  /** Of one worker, the first that waits for a place. */
  firstForPlaceOf(wid: string): Wait<Visitor> | null {
    return this.#forPlaceByWorker.first(wid);
  }

  #holdBack(wait: Wait<Visitor>, reason: WaitReason): () => void {
    const { wid, address } = wait.visitor;
    switch (reason) {
      case 'per_worker':
        return this.#forWorker.join(wid ?? '', wait);
      case 'per_address':
        return this.#forAddress.join(address, wait);
      case 'server_connections':
        return this.#waitForPlace(wait);
    }
  }

  #waitForPlace(wait: Wait<Visitor>): () => void {
    const { wid } = wait.visitor;
    const line = this.#forPlace[wait.role];
    const seat = line.join(wait.rank, wait);
    const release = wid === null ? null : this.#forPlaceByWorker.join(wid, wait);
    return () => {
      line.leave(seat);
      release?.();
    };
  }
}
