// When an admin request may be worked on. Promise: over any longer time, answers that wait for their turn take at
// most a twentieth of the event loop's time, however many ask and however often, and a first one after a
// pause does not wait; one at a time is made; nothing is made for a connection that has ended. What it costs
// to accept a connection and to read its requests is not in it.

import type { Clock } from '../base/clock.ts';
import { restMs } from './share.ts';

/** A connection that has asked: what is needed of node:net's. */
export interface Asker {
  readonly destroyed: boolean;
  once(event: 'close', listener: () => void): unknown;
  off(event: 'close', listener: () => void): unknown;
}

/** What node:http and the system do for an answer beside the work that is measured here, on a busy machine. */
export const OVERHEAD_MS = 0.5;
/** A pause counts for at most this much: 50 ms of work, such as a whole status page, need not wait. */
export const CREDIT_MS = 1000;
/** So long apart are the probes of one connection: 64 connections of them take less than a twentieth. */
export const PROBE_SPACING_MS = 320;

export class Turns {
  readonly #clock: Pick<Clock, 'now' | 'after'>;
  /** Those that wait, in the order in which they came; at most one for each connection. */
  readonly #line = new Set<() => void>();
  /** When connections that still exist were last allowed a probe; monotonic ms. */
  readonly #probedAt = new WeakMap<Asker, number>();
  #isBusy = false;
  #hasTimer = false;
  /** From when on the next turn may be; monotonic ms. */
  #freeAt = -Infinity;

  constructor(clock: Pick<Clock, 'now' | 'after'>) {
    this.#clock = clock;
  }

  /** How many wait for their turn. */
  get waiting(): number {
    return this.#line.size;
  }

  /** Does `work` in its turn. Null: the connection ended before it. Rejects with what `work` throws. */
  async inTurn<Made>(asker: Asker, work: () => Made | Promise<Made>): Promise<Made | null> {
    if (!(await this.#isAdmitted(asker))) return null;
    const startedAt = this.#clock.now();
    try {
      return asker.destroyed ? null : await work();
    } finally {
      this.#isBusy = false;
      this.spent(this.#clock.now() - startedAt + OVERHEAD_MS);
      if (this.#line.size > 0) this.#admitIn(Math.max(0, this.#freeAt - this.#clock.now()));
    }
  }

  /** Does `work` at once, whatever the others do, or so long after this connection's last one as is due. */
  async spaced<Made>(asker: Asker, work: () => Made | Promise<Made>): Promise<Made | null> {
    const lastAt = this.#probedAt.get(asker);
    const waitMs =
      lastAt === undefined ? 0 : Math.max(0, lastAt + PROBE_SPACING_MS - this.#clock.now());
    if (waitMs > 0 && !(await this.#hasPassed(asker, waitMs))) return null;
    this.#probedAt.set(asker, this.#clock.now());
    return asker.destroyed ? null : await work();
  }

  /** Work of `ms` milliseconds that was done for an answer outside its turn. */
  spent(ms: number): void {
    this.#freeAt = Math.max(this.#freeAt, this.#clock.now() - CREDIT_MS) + restMs(ms);
  }

  #isAdmitted(asker: Asker): Promise<boolean> {
    return new Promise((resolve) => {
      const left = (): void => {
        this.#line.delete(admitted);
        resolve(false);
      };
      const admitted = (): void => {
        asker.off('close', left);
        resolve(true);
      };
      asker.once('close', left);
      this.#line.add(admitted);
      this.#admit();
    });
  }

  /** The first of the line, if it is time; otherwise a timer does it. */
  #admit(): void {
    const [first] = this.#line;
    if (first === undefined || this.#isBusy || this.#hasTimer) return;
    const waitMs = this.#freeAt - this.#clock.now();
    if (waitMs <= 0) {
      this.#line.delete(first);
      this.#isBusy = true;
      first();
      return;
    }
    this.#admitIn(waitMs);
  }

  /** By a timer even if it is time: the clients of the bouncer come between two turns. */
  #admitIn(ms: number): void {
    if (this.#hasTimer) return;
    this.#hasTimer = true;
    this.#clock.after(ms, () => {
      this.#hasTimer = false;
      this.#admit();
    });
  }

  /** False: the connection has ended meanwhile. */
  #hasPassed(asker: Asker, ms: number): Promise<boolean> {
    return new Promise((resolve) => {
      const left = (): void => {
        timer.cancel();
        resolve(false);
      };
      const timer = this.#clock.after(ms, () => {
        asker.off('close', left);
        resolve(true);
      });
      asker.once('close', left);
    });
  }
}
