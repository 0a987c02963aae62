// Hashing off the event loop. Promise: one thread, started when first needed, and again after it has
// failed; the number of requests waiting for it is known, so that callers can refuse more.

import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { HashAnswer, HashRequest } from './hash-worker.ts';

interface Waiter {
  readonly resolve: (hex: string) => void;
  readonly reject: (error: Error) => void;
}

export class Hasher {
  readonly #waiting = new Map<number, Waiter>();
  #worker: Worker | null = null;
  #nextId = 0;

  /** Requests that have not been answered yet. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /**
   * Hex of `rounds` rounds of SHA-256 over `text`. Rejects when the thread fails, which is a defect; may
   * never settle after close().
   */
  iteratedSha256(text: string, rounds: number): Promise<string> {
    return new Promise((resolve, reject) => {
      const worker = (this.#worker ??= this.#start());
      const request: HashRequest = { id: this.#nextId, text, rounds };
      this.#nextId += 1;
      this.#waiting.set(request.id, { resolve, reject });
      worker.postMessage(request);
    });
  }

  async close(): Promise<void> {
    const worker = this.#worker;
    this.#worker = null;
    this.#waiting.clear();
    await worker?.terminate();
  }

  #start(): Worker {
    // The sources run as .ts, the published package as .js: the worker has its owner's ending.
    const worker = new Worker(new URL(`./hash-worker${extname(import.meta.url)}`, import.meta.url));
    worker.unref();
    worker.on('message', ({ id, hex }: HashAnswer) => {
      this.#waiting.get(id)?.resolve(hex);
      this.#waiting.delete(id);
    });
    worker.on('error', (error: Error) => this.#failed(worker, error));
    worker.on('exit', () => this.#failed(worker, new Error('Cannot hash: the thread has ended')));
    return worker;
  }

  /** Whoever waits hears so; the next request starts another thread. */
  #failed(worker: Worker, error: Error): void {
    if (worker !== this.#worker) return;
    this.#worker = null;
    const waiters = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of waiters) reject(error);
  }
}
