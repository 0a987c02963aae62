// Hot path. Where the command lane's next command goes. Promise: pure over what is open and
// outstanding; a connection is in exactly one list (idle, shared, alone), and every question is
// answered from the lists.
//
// Packed: commands share the first few connections, so that those of one turn travel in one write.
// Wide: each command has a connection to itself, since a slow server works off those of one connection
// one after another.

/** What goes where nothing else may: a slow verb, or a PUSHB made of several clients' PUSHes. */
export type AloneKind = 'slow' | 'bulk';

/** A connection's place in the lists. */
export interface Seat<Server> {
  readonly server: Server;
  readonly list: 'idle' | 'shared' | AloneKind;
  /** Commands outstanding. */
  readonly outstanding: number;
  /** Jobs in each of them: more than 1 in a PUSHB made of several clients' PUSHes. */
  readonly jobs: number;
  /** When it was last in use; monotonic ms. */
  readonly usedAt: number;
}

/** The same for the owner of the lists. */
interface OwnSeat<Server> extends Seat<Server> {
  list: Seat<Server>['list'];
  outstanding: number;
  jobs: number;
  usedAt: number;
  /** Its index in the list of idle ones; -1 in another list. */
  idleAt: number;
}

/** How commands are placed now. */
export interface Placing {
  /** Commands that may be outstanding on one connection; 1: wide. */
  readonly window: number;
  /** Connections that may have something outstanding. */
  readonly inUse: number;
}

/**
 * Connections that commands are spread over before more are used: Faktory answers those of one
 * connection one after another, so a few must share the work, and few make batches. Measured over 4,
 * 8 and 16 connections: with 20, 200 and 2000 clients that push, thousand PUSHes per second, 20, 31
 * and 30; 21, 30 and 33; 22, 30 and 33.
 */
const SPREAD = 8;
/**
 * Larger commands take the least busy of all connections: Faktory reads and answers one for longer
 * than a shared write saves. Measured with 20 clients that push 10 kB or 1 MB, spread over 4
 * connections and over all: 5,480 and 6,430 PUSHes per second, 129 and 139.
 */
const PACKED_BYTES_MAX = 4096;
/** Commands that Faktory answers from memory: their connection may always hold so many. */
const MEMORY_WINDOW = 16;
/** Of fewer connections none is kept for them. */
const MEMORY_FROM = 8;

export class CommandConnections<Server> {
  /** In the order of opening; the first is for what Faktory answers from memory. */
  readonly #all: OwnSeat<Server>[] = [];
  /** The last is taken first, so that what is not needed stays unused. */
  readonly #idle: OwnSeat<Server>[] = [];
  readonly #alone: Record<AloneKind, Set<OwnSeat<Server>>> = { slow: new Set(), bulk: new Set() };

  get size(): number {
    return this.#all.length;
  }

  /** Connections with nothing outstanding. */
  get idle(): number {
    return this.#idle.length;
  }

  /** Connections that carry such a command. */
  alone(kind: AloneKind): number {
    return this.#alone[kind].size;
  }

  /** Most connections that may carry slow verbs at a time: half of them, so that others pass. */
  get slowMax(): number {
    return Math.max(1, Math.floor((this.#all.length - this.#firstForRedis()) / 2));
  }

  *[Symbol.iterator](): Generator<Seat<Server>, void, undefined> {
    yield* this.#all;
  }

  /** A connection has opened. */
  add(server: Server, now: number): Seat<Server> {
    const seat: OwnSeat<Server> = {
      server,
      list: 'idle',
      outstanding: 0,
      jobs: 1,
      usedAt: now,
      idleAt: -1,
    };
    this.#all.push(seat);
    this.#toIdle(seat);
    return seat;
  }

  /** It is of no more use. */
  remove(seat: Seat<Server>): void {
    const at = this.#all.indexOf(seat as OwnSeat<Server>);
    if (at === -1) return;
    const [own] = this.#all.splice(at, 1) as [OwnSeat<Server>];
    this.#leaveList(own);
  }

  /** Where a quick command of so many bytes may go, none of those kept; null: nowhere yet. */
  roomForQuick(
    { window, inUse }: Placing,
    bytes: number,
    kept: Seat<Server> | null = null,
    alsoKept: Seat<Server> | null = null,
  ): Seat<Server> | null {
    if (window === 1) return this.#busy() < inUse ? this.#lastIdle() : null;
    const spread = bytes > PACKED_BYTES_MAX ? this.#all.length : SPREAD;
    let least: OwnSeat<Server> | null = null;
    let leastOutstanding = window;
    let looked = 0;
    for (let i = this.#firstForRedis(); i < this.#all.length; i += 1) {
      const seat = this.#all[i] as OwnSeat<Server>;
      if (seat === kept || seat === alsoKept) continue;
      if (seat.list === 'slow' || seat.list === 'bulk') continue;
      if (seat.outstanding < leastOutstanding) {
        least = seat;
        leastOutstanding = seat.outstanding;
      }
      looked += 1;
      if (looked >= spread && least !== null) break;
    }
    return least;
  }

  /** Where a command goes that Faktory answers from memory: never behind one that waits for Redis. */
  roomForMemory(placing: Placing): Seat<Server> | null {
    if (this.#firstForRedis() === 0) return this.roomForQuick(placing, 0);
    const [first] = this.#all;
    return first !== undefined && first.outstanding < MEMORY_WINDOW ? first : null;
  }

  /** An idle connection for what must be alone: the last, away from where commands are packed. */
  roomForAlone({ inUse }: Placing): Seat<Server> | null {
    if (this.#busy() >= inUse) return null;
    for (let i = this.#all.length - 1; i >= this.#firstForRedis(); i -= 1) {
      const seat = this.#all[i] as OwnSeat<Server>;
      if (seat.list === 'idle') return seat;
    }
    return null;
  }

  /** How many times roomForAlone() would find a connection. */
  idleForAlone({ inUse }: Placing): number {
    const own = this.#firstForRedis() === 1 && this.#all[0]?.list === 'idle' ? 1 : 0;
    return Math.max(0, Math.min(this.#idle.length - own, inUse - this.#busy()));
  }

  /** Whether the first of those that commands are packed on has nothing outstanding. */
  get firstIsIdle(): boolean {
    return this.#all[this.#firstForRedis()]?.list === 'idle';
  }

  /** Whether it is kept for what Faktory answers from memory. */
  isForMemory(seat: Seat<Server>): boolean {
    return this.#firstForRedis() === 1 && seat === this.#all[0];
  }

  /** One that takes no more, so that it becomes idle for what must be alone: the last shared one. */
  keptForSlow(): Seat<Server> | null {
    for (let i = this.#all.length - 1; i >= this.#firstForRedis(); i -= 1) {
      const seat = this.#all[i] as OwnSeat<Server>;
      if (seat.list === 'shared' || seat.list === 'idle') return seat;
    }
    return null;
  }

  /** The same for PUSHes that go together: the first. */
  keptForBulk(): Seat<Server> | null {
    for (let i = this.#firstForRedis(); i < this.#all.length; i += 1) {
      const seat = this.#all[i] as OwnSeat<Server>;
      if (seat.list === 'shared' || seat.list === 'idle') return seat;
    }
    return null;
  }

  /** A command, of so many jobs, was sent there; `alone`: nothing may join it. */
  sent(seat: Seat<Server>, alone: AloneKind | null, jobs = 1): void {
    const own = seat as OwnSeat<Server>;
    own.jobs = jobs;
    own.outstanding += 1;
    if (own.list === 'idle') this.#leaveList(own);
    if (alone === null) {
      own.list = 'shared';
      return;
    }
    own.list = alone;
    this.#alone[alone].add(own);
  }

  /** A command was answered there. */
  answered(seat: Seat<Server>, now: number): void {
    const own = seat as OwnSeat<Server>;
    own.outstanding -= 1;
    own.usedAt = now;
    if (own.outstanding > 0) return;
    this.#leaveList(own);
    this.#toIdle(own);
  }

  /** Idle connections, unused since then (monotonic ms), that are surplus to `keep` connections. */
  surplus(keep: number, unusedSince: number): Seat<Server>[] {
    const surplus: Seat<Server>[] = [];
    const own = this.#firstForRedis() === 1 ? this.#all[0] : undefined;
    for (const seat of this.#idle) {
      if (this.#all.length - surplus.length <= keep) break;
      if (seat !== own && seat.usedAt <= unusedSince) surplus.push(seat);
    }
    return surplus;
  }

  #busy(): number {
    return this.#all.length - this.#idle.length;
  }

  /** Where there are enough, the first takes nothing that touches Redis. */
  #firstForRedis(): 0 | 1 {
    return this.#all.length >= MEMORY_FROM ? 1 : 0;
  }

  #lastIdle(): Seat<Server> | null {
    const last = this.#idle.at(-1) ?? null;
    if (last === null || this.#firstForRedis() === 0 || last !== this.#all[0]) return last;
    return this.#idle.at(-2) ?? null;
  }

  #toIdle(seat: OwnSeat<Server>): void {
    seat.list = 'idle';
    seat.idleAt = this.#idle.length;
    this.#idle.push(seat);
  }

  #leaveList(seat: OwnSeat<Server>): void {
    if (seat.list === 'slow' || seat.list === 'bulk') this.#alone[seat.list].delete(seat);
    if (seat.idleAt === -1) return;
    const last = this.#idle.pop() as OwnSeat<Server>;
    if (last !== seat) {
      this.#idle[seat.idleAt] = last;
      last.idleAt = seat.idleAt;
    }
    seat.idleAt = -1;
  }
}
