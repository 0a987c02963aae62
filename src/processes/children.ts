// The processes that serve clients. Promise: there are as many as configured; one that ends is started again
// after a wait that grows while it keeps ending; once they drain, none is started, and their end is told when
// the last is gone.

import { backoffMs } from '../base/backoff.ts';
import type { Address } from '../base/address.ts';
import type { Timer } from '../base/clock.ts';
import type { Logger } from '../observe/log.ts';
import { Child, type ChildParts, type End } from './child.ts';
import type { Lender } from './lender.ts';
import type { Orders } from './messages.ts';

export interface ChildrenParts extends Pick<
  ChildParts,
  'clock' | 'entry' | 'environment' | 'givenFd' | 'onLine'
> {
  readonly count: number;
  /** False: the first that listens finds it, and the others follow. */
  readonly isPortKnown: boolean;
  /** In [0, 1). */
  readonly random: () => number;
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>;
  /** Null: the processes lease from elsewhere. */
  readonly lender: Lender | null;
  /** What the process `index` is to be started with now; `listen` null: no process listens yet. */
  readonly ordersOf: (index: number, listen: Address | null) => Omit<Orders, 'givenFd'>;
  /** It serves clients from now on. */
  readonly onServing: (child: Child) => void;
  /** The process `index` is gone. */
  readonly onEnd: (index: number) => void;
}

const BACKOFF = { firstMs: 200, longestMs: 10_000 } as const;
/** One that has lived so long begins with the shortest wait again. */
const SETTLED_MS = 60_000;

export class Children {
  readonly #parts: ChildrenParts;
  readonly #children = new Map<number, Child>();
  /** Of processes that wait to be started again. */
  readonly #restarts = new Map<number, Timer>();
  readonly #failures = new Map<number, number>();
  readonly #started = Promise.withResolvers<Address>();
  readonly #ended = Promise.withResolvers<boolean>();
  #listen: Address | null = null;
  #phase: 'starting' | 'serving' | 'stopping' = 'starting';
  #hasFailed = false;
  #restarted = 0;

  constructor(parts: ChildrenParts) {
    this.#parts = parts;
  }

  /** Those that serve clients now. */
  get serving(): readonly Child[] {
    return [...this.#children.values()].filter(({ isListening }) => isListening);
  }

  /** How often one was started again. */
  get restarted(): number {
    return this.#restarted;
  }

  /** Resolves when the last is gone after a drain: true if each has ended in good order. */
  get ended(): Promise<boolean> {
    return this.#ended.promise;
  }

  /** Resolves when all listen; rejects with the text of the first that cannot, and the others are killed. */
  start(): Promise<Address> {
    this.#startOne(0);
    if (this.#parts.isPortKnown) this.#startOthers();
    return this.#started.promise;
  }

  /** All of them stop in good order; later calls change nothing. */
  drain(reason: string): void {
    this.#phase = 'stopping';
    for (const timer of this.#restarts.values()) timer.cancel();
    this.#restarts.clear();
    for (const child of this.#children.values()) child.drain(reason);
    this.#checkEnd();
  }

  /** The process `index` does nothing any more: it is killed, and started again. */
  replace(index: number): void {
    const child = this.#children.get(index);
    if (child === undefined) return;
    this.#parts.log.error(
      { process: index, child: child.pid },
      'a process does not answer the parent process, and is killed',
    );
    child.kill();
  }

  /** Ends those that are left at once. */
  kill(): void {
    this.#phase = 'stopping';
    for (const child of this.#children.values()) child.kill();
  }

  #startOthers(): void {
    for (let index = 1; index < this.#parts.count; index += 1) this.#startOne(index);
  }

  #startOne(index: number): void {
    const { clock, lender, ordersOf } = this.#parts;
    const startedAt = clock.now();
    const child = new Child({
      ...this.#parts,
      orders: ordersOf(index, this.#listen),
      lend: (request) => lender?.answer(index, request, clock.now()) ?? { kind: 'unknown' },
      onListening: (listen) => this.#listens(child, listen),
      onEnd: (end) => this.#hasEnded(child, end, clock.now() - startedAt),
    });
    this.#children.set(index, child);
  }

  #listens(child: Child, listen: Address): void {
    const { log, count, onServing } = this.#parts;
    log.info({ process: child.index, child: child.pid }, 'a process serves clients');
    onServing(child);
    if (this.#phase !== 'starting') return;
    if (this.#listen === null) {
      this.#listen = listen;
      if (!this.#parts.isPortKnown) this.#startOthers();
    }
    if (this.serving.length < count) return;
    this.#phase = 'serving';
    this.#started.resolve(this.#listen);
  }

  #hasEnded(child: Child, { exitCode, signal, text }: End, livedMs: number): void {
    const { index, pid } = child;
    const { clock, lender, log, onEnd } = this.#parts;
    this.#children.delete(index);
    lender?.ended(index, clock.now());
    onEnd(index);
    const facts = { process: index, child: pid, exitCode, signal };
    switch (this.#phase) {
      case 'starting':
        this.kill();
        this.#started.reject(new Error(text ?? `Cannot start: process ${index} has ended`));
        return;
      case 'serving': {
        const wait = this.#waitMs(index, livedMs);
        this.#restarted += 1;
        log.error(
          { ...facts, text, restartMs: Math.round(wait) },
          'a process has ended, and its clients with it; it is started again',
        );
        this.#restarts.set(
          index,
          clock.after(wait, () => {
            this.#restarts.delete(index);
            this.#startOne(index);
          }),
        );
        return;
      }
      case 'stopping':
        if (exitCode !== 0) {
          this.#hasFailed = true;
          log.error(facts, 'a process has not stopped in good order');
        }
        this.#checkEnd();
    }
  }

  #waitMs(index: number, livedMs: number): number {
    const failures = livedMs >= SETTLED_MS ? 1 : (this.#failures.get(index) ?? 0) + 1;
    this.#failures.set(index, failures);
    return backoffMs(BACKOFF, failures, this.#parts.random());
  }

  #checkEnd(): void {
    if (this.#children.size === 0) this.#ended.resolve(!this.#hasFailed);
  }
}
