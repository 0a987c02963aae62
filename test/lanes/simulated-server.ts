// A server, its clients and the limits in front of it as a simulation. Promise: time is the simulation's,
// chance comes from one seed; the server works on what it has, and answers by one of two laws.

import type { AdaptiveLimit } from '../../src/lanes/adaptive-limit.ts';

export type ServerLaw =
  /** So many cores, one command after another on each: throughput stays the same above that many. */
  | { readonly kind: 'cpu'; readonly cores: number; readonly workMs: number }
  /** Each command waits for Redis for so long, beside all others: throughput grows with concurrency. */
  | { readonly kind: 'redis'; readonly waitMs: number };

export interface SimulationOptions {
  readonly law: ServerLaw;
  readonly seconds: number;
  /** PUSHes per second, at random instants. */
  readonly pushesPerSecond: number;
  /** Clients that FETCH a job, work on it and ACK it, one after another. */
  readonly workers: number;
  readonly jobMs: number;
  /** How many times slower than usual the server is at that instant (ms). */
  readonly slowness: (now: number) => number;
  readonly fetchesMax: number;
  readonly commandsMax: number;
  readonly min: number;
  /** Null: the limits stay as they are configured. */
  readonly adaptive: AdaptiveLimit | null;
}

export interface Simulated {
  /** PUSHes: when each was begun, and how long its client waited; ms. */
  readonly pushes: readonly { readonly at: number; readonly ms: number }[];
  /** Jobs acknowledged in each second. */
  readonly acksBySecond: readonly number[];
  /** The limits after each decision. */
  readonly limits: readonly {
    readonly at: number;
    readonly fetches: number;
    readonly commands: number;
  }[];
  readonly kinds: ReadonlySet<string>;
}

type Kind = 'PUSH' | 'FETCH' | 'ACK';
interface Call {
  readonly kind: Kind;
  readonly beganAt: number;
  sentAt: number;
}

const DECIDED_EVERY_MS = 200;

export function simulate(options: SimulationOptions): Simulated {
  return new Simulation(options).run();
}

class Simulation {
  readonly #options: SimulationOptions;
  readonly #pushes: { at: number; ms: number }[] = [];
  readonly #acksBySecond: number[];
  readonly #limits: { at: number; fetches: number; commands: number }[] = [];
  readonly #kinds = new Set<string>();
  /** In the bouncer. */
  readonly #waiting = { fetches: [] as Call[], commands: [] as Call[] };
  readonly #taken = { fetches: 0, commands: 0 };
  #allowed: { fetches: number; commands: number };
  /** At the server; of a full CPU, in the order of arrival. */
  readonly #atServer: Call[] = [];
  #busyCores = 0;
  readonly #events = new Agenda();
  #answered = 0;
  #workedMs = 0;
  #seed = 1;

  constructor(options: SimulationOptions) {
    this.#options = options;
    this.#allowed = { fetches: options.fetchesMax, commands: options.commandsMax };
    this.#acksBySecond = Array.from({ length: options.seconds }, () => 0);
  }

  run(): Simulated {
    const { workers, pushesPerSecond, adaptive, seconds } = this.#options;
    for (let i = 0; i < workers; i += 1) this.#at(this.#chance(), (now) => this.#ask('FETCH', now));
    if (pushesPerSecond > 0) this.#at(0, (now) => this.#nextPush(now));
    if (adaptive !== null) this.#at(DECIDED_EVERY_MS, (now) => this.#decide(now, adaptive));
    this.#events.runUntil(seconds * 1000);
    return {
      pushes: this.#pushes,
      acksBySecond: this.#acksBySecond,
      limits: this.#limits,
      kinds: this.#kinds,
    };
  }

  #nextPush(now: number): void {
    this.#ask('PUSH', now);
    const gapMs = (-Math.log(1 - this.#chance()) * 1000) / this.#options.pushesPerSecond;
    this.#at(now + gapMs, (at) => this.#nextPush(at));
  }

  #ask(kind: Kind, now: number): void {
    const line = kind === 'FETCH' ? 'fetches' : 'commands';
    this.#waiting[line].push({ kind, beganAt: now, sentAt: now });
    this.#send(line, now);
  }

  #send(line: 'fetches' | 'commands', now: number): void {
    while (this.#taken[line] < this.#allowed[line]) {
      const call = this.#waiting[line].shift();
      if (call === undefined) return;
      this.#taken[line] += 1;
      call.sentAt = now;
      this.#atServer.push(call);
      this.#work(now);
    }
  }

  #work(now: number): void {
    const { law, slowness } = this.#options;
    const factor = slowness(now);
    if (law.kind === 'redis') {
      const call = this.#atServer.shift();
      // Between half and one and a half times the mean.
      const ms = law.waitMs * factor * (0.5 + this.#chance());
      if (call !== undefined) this.#at(now + ms, (at) => this.#answer(call, at));
      return;
    }
    while (this.#busyCores < law.cores) {
      const call = this.#atServer.shift();
      if (call === undefined) return;
      this.#busyCores += 1;
      this.#at(now + law.workMs * factor * (0.5 + this.#chance()), (at) => {
        this.#busyCores -= 1;
        this.#answer(call, at);
        this.#work(at);
      });
    }
  }

  #answer({ kind, beganAt, sentAt }: Call, now: number): void {
    const line = kind === 'FETCH' ? 'fetches' : 'commands';
    this.#taken[line] -= 1;
    if (kind !== 'FETCH') {
      this.#answered += 1;
      this.#workedMs += now - sentAt;
    }
    if (kind === 'PUSH') this.#pushes.push({ at: beganAt, ms: now - beganAt });
    if (kind === 'FETCH') this.#at(now + this.#options.jobMs, (at) => this.#ask('ACK', at));
    if (kind === 'ACK') {
      const second = Math.floor(now / 1000);
      this.#acksBySecond[second] = (this.#acksBySecond[second] ?? 0) + 1;
      this.#ask('FETCH', now);
    }
    this.#send(line, now);
  }

  #decide(now: number, adaptive: AdaptiveLimit): void {
    const { min, fetchesMax, commandsMax } = this.#options;
    const bounds = { fetches: { min, max: fetchesMax }, commands: { min, max: commandsMax } };
    const load = {
      answered: this.#answered,
      workedMs: this.#workedMs,
      unansweredMs: 0,
      inFlight: this.#taken.fetches + this.#taken.commands,
      errors: 0,
    };
    this.#answered = 0;
    this.#workedMs = 0;
    this.#kinds.add(adaptive.decide(now, load, bounds).kind);
    this.#allowed = adaptive.limits;
    this.#limits.push({ at: now, ...this.#allowed });
    this.#send('commands', now);
    this.#send('fetches', now);
    this.#at(now + DECIDED_EVERY_MS, (at) => this.#decide(at, adaptive));
  }

  #at(at: number, act: (now: number) => void): void {
    this.#events.add(at, act);
  }

  /** From 0 to 1, the same in every run. */
  #chance(): number {
    this.#seed = (Math.imul(this.#seed, 1_664_525) + 1_013_904_223) >>> 0;
    return this.#seed / 2 ** 32;
  }
}

type Act = (now: number) => void;

/** What happens when; a binary heap. */
class Agenda {
  readonly #heap: { readonly at: number; readonly act: Act }[] = [];

  add(at: number, act: Act): void {
    const heap = this.#heap;
    const event = { at, act };
    let index = heap.length;
    heap.push(event);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || above.at <= at) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = event;
  }

  runUntil(end: number): void {
    for (let first = this.#take(); first !== undefined && first.at < end; first = this.#take()) {
      first.act(first.at);
    }
  }

  #take(): { readonly at: number; readonly act: Act } | undefined {
    const heap = this.#heap;
    const [first] = heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return first;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      const right = heap[child + 1];
      if (right !== undefined && right.at < (heap[child]?.at ?? 0)) child += 1;
      const below = heap[child];
      if (below === undefined || below.at >= last.at) break;
      heap[index] = below;
      index = child;
    }
    heap[index] = last;
    return first;
  }
}
