// Time of a simulation, and the clocks of the processes in it. Promise: events happen in the order of their
// instants, and those of the same instant in the order in which they were set; a process that is
// stopped does nothing until it goes on, and then what was due meanwhile, timers first.

import type { Clock, Timer } from '../../../src/base/clock.ts';

interface Event {
  readonly at: number;
  readonly order: number;
  readonly act: () => void;
}

export class SimTime {
  #now = 0;
  #order = 0;
  readonly #heap: Event[] = [];

  get now(): number {
    return this.#now;
  }

  at(at: number, act: () => void): void {
    const event = { at: Math.max(at, this.#now), order: this.#order, act };
    this.#order += 1;
    const heap = this.#heap;
    let i = heap.push(event) - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || !isBefore(event, above)) break;
      heap[i] = above;
      i = parent;
    }
    heap[i] = event;
  }

  in(ms: number, act: () => void): void {
    this.at(this.#now + ms, act);
  }

  /** Plays everything until `end`. */
  playUntil(end: number): void {
    for (let next = this.#heap[0]; next !== undefined && next.at <= end; next = this.#heap[0]) {
      this.#take();
      this.#now = next.at;
      next.act();
    }
    this.#now = end;
  }

  #take(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      let below = heap[child];
      if (below === undefined) break;
      const right = heap[child + 1];
      if (right !== undefined && isBefore(right, below)) {
        child += 1;
        below = right;
      }
      if (!isBefore(below, last)) break;
      heap[i] = below;
      i = child;
    }
    heap[i] = last;
  }
}

function isBefore(one: Event, other: Event): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order);
}

/** A process: its clock, whether it runs, and what it could not do while it did not. */
export class SimProcess implements Clock {
  readonly #time: SimTime;
  /** Local milliseconds in a real one. */
  readonly #speed: number;
  readonly #offset: number;
  #state: 'running' | 'stopped' | 'dead' = 'running';
  #due: { readonly isTimer: boolean; readonly act: () => void }[] = [];

  constructor(time: SimTime, speed: number, offset: number) {
    this.#time = time;
    this.#speed = speed;
    this.#offset = offset;
  }

  get isRunning(): boolean {
    return this.#state === 'running';
  }

  get isDead(): boolean {
    return this.#state === 'dead';
  }

  now(): number {
    return this.#offset + this.#time.now * this.#speed;
  }

  wallMs(): number {
    return this.now();
  }

  idleMs(): number {
    return this.now();
  }

  after(ms: number, act: () => void): Timer {
    const timer = { isOn: true };
    this.#time.in(ms / this.#speed, () => {
      this.#do(true, () => {
        if (timer.isOn) act();
      });
    });
    return {
      cancel: () => {
        timer.isOn = false;
      },
    };
  }

  /** Something arrives from outside. */
  hear(act: () => void): void {
    this.#do(false, act);
  }

  stop(): void {
    if (this.#state === 'running') this.#state = 'stopped';
  }

  goOn(): void {
    if (this.#state !== 'stopped') return;
    this.#state = 'running';
    const due = this.#due;
    this.#due = [];
    for (const isTimer of [true, false]) {
      for (const one of due) if (one.isTimer === isTimer) one.act();
    }
  }

  kill(): void {
    this.#state = 'dead';
    this.#due = [];
  }

  #do(isTimer: boolean, act: () => void): void {
    if (this.#state === 'running') act();
    else if (this.#state === 'stopped') this.#due.push({ isTimer, act });
  }
}
