// How many connections Faktory counts, sampled at the server itself.

import type { RawClient } from '../../support/raw-client.ts';
import { replyText } from '../../support/reply.ts';

/**
 * Faktory's own count, asked for again and again. The connection that asks bypasses the bouncers, and is there
 * before them: it takes a place of the limit.
 */
export class Sampler {
  peak = 0;
  samples = 0;
  last = 0;
  #isOver = false;
  readonly #done: Promise<void>;

  constructor(client: RawClient) {
    this.#done = this.#sample(client);
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await this.#done;
  }

  async #sample(client: RawClient): Promise<void> {
    while (!this.#isOver) {
      const info = JSON.parse(replyText(await client.command('INFO')) ?? '') as {
        server: { connections: number };
      };
      this.last = info.server.connections;
      this.peak = Math.max(this.peak, this.last);
      this.samples += 1;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    client.end();
  }
}
