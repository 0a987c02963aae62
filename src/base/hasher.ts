// Hashing off the event loop. Promise: one thread, started when first needed; the number of
// requests waiting for it is known, so that callers can refuse more.

import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { HashAnswer, HashRequest } from './hash-worker.ts';

export class Hasher {
  readonly #waiting = new Map<number, (hex: string) => void>();
  #worker: Worker | null = null;
  #nextId = 0;

  /** Requests that have not been answered yet. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Hex of `rounds` rounds of SHA-256 over `text`; never rejects, but may never settle after close(). */
  iteratedSha256(text: string, rounds: number): Promise<string> {
    const worker = (this.#worker ??= this.#start());
    const request: HashRequest = { id: this.#nextId, text, rounds };
    this.#nextId += 1;
    return new Promise((resolve) => {
      this.#waiting.set(request.id, resolve);
      worker.postMessage(request);
    });
  }

  async close(): Promise<void> {
    await this.#worker?.terminate();
    this.#worker = null;
    this.#waiting.clear();
  }

  #start(): Worker {
    // The sources run as .ts, the published package as .js: the worker has its owner's ending.
    const worker = new Worker(new URL(`./hash-worker${extname(import.meta.url)}`, import.meta.url));
    worker.unref();
    worker.on('message', ({ id, hex }: HashAnswer) => {
      this.#waiting.get(id)?.(hex);
      this.#waiting.delete(id);
    });
    return worker;
  }
}
