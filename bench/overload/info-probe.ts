// Asks INFO once a second, as a monitoring client does. Promise: never two at once; an error, a cut and
// an answer for which clients no longer wait all count as failures, which are infinitely long.

import { setTimeout as sleep } from 'node:timers/promises';
import { RawClient } from '../../test/support/raw-client.ts';
import { spreadOf } from '../harness/figures.ts';
import type { Address } from '../harness/proxy.ts';

const EVERY_MS = 1000;
/** Ruby and Go clients give up then. */
const ANSWER_WITHIN_MS = 5000;

export class InfoProbe {
  readonly #address: Address;
  readonly #durationsMs: number[] = [];
  readonly #running: Promise<void>;
  #stopped = false;

  constructor(address: Address) {
    this.#address = address;
    this.#running = this.#run();
  }

  /** Ends it; resolves with the median. */
  async stop(): Promise<number> {
    this.#stopped = true;
    await this.#running;
    return spreadOf(this.#durationsMs)?.median ?? Infinity;
  }

  async #run(): Promise<void> {
    let client: RawClient | null = null;
    while (!this.#stopped) {
      const askedAt = performance.now();
      try {
        client ??= await RawClient.connect({ ...this.#address, boundMs: ANSWER_WITHIN_MS });
        const reply = await client.command('INFO');
        if (reply.kind !== 'bulk') throw new Error(`Cannot read INFO: ${reply.kind}`);
        this.#durationsMs.push(performance.now() - askedAt);
      } catch {
        this.#durationsMs.push(Infinity);
        client?.reset();
        client = null;
      }
      await sleep(EVERY_MS);
    }
    client?.end();
  }
}
