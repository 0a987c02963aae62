// Clients that come again whenever their connection is over, on whatever bouncer has the port. Promise: each
// lives one life after another until it is told that all is over; what keeps it out is noted.

import { setTimeout as sleep } from 'node:timers/promises';
import { RawClient } from './raw-client.ts';

export interface ReturningClientsOptions {
  readonly port: number;
  /** How long a client waits for a connection, and for a reply. */
  readonly patienceMs: number;
  /** Before one that was kept out comes again. */
  readonly reconnectMs: number;
  /** A life is over: it has come to its end, or failed. What is left of the connection is to be closed. */
  readonly left: (client: RawClient, how: 'done' | 'failed') => void;
}

export class ReturningClients {
  /** Error replies to HELLO, or in place of HI, by text. */
  readonly refusals = new Map<string, number>();
  /** Connections that were reset, or refused by the kernel, before HI. */
  notConnected = 0;
  readonly #options: ReturningClientsOptions;
  readonly #present = new Set<RawClient>();
  readonly #running: Promise<void>[] = [];
  #isOver = false;

  constructor(options: ReturningClientsOptions) {
    this.#options = options;
  }

  /** Whether nobody is to begin anything. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Those that are connected now. */
  get present(): ReadonlySet<RawClient> {
    return this.#present;
  }

  /** One more comes, and lives `live` each time. `wid`: of its worker; null for a producer. */
  come(live: (client: RawClient) => Promise<void>, wid: string | null): void {
    this.#running.push(this.#keepLiving(live, wid));
  }

  /** Nobody comes again; resolves when, after `closeIdle`, all have left. */
  async stop(closeIdle: () => Promise<unknown>): Promise<void> {
    this.#isOver = true;
    await closeIdle();
    await Promise.all(this.#running);
  }

  async #keepLiving(live: (client: RawClient) => Promise<void>, wid: string | null): Promise<void> {
    while (!this.#isOver) {
      const client = await this.#connect(wid);
      if (client === null) continue;
      this.#present.add(client);
      const how = await live(client).then(
        () => 'done' as const,
        () => 'failed' as const,
      );
      this.#options.left(client, how);
      this.#present.delete(client);
    }
  }

  async #connect(wid: string | null): Promise<RawClient | null> {
    const { port, patienceMs, reconnectMs } = this.#options;
    try {
      const client = await RawClient.connect({
        port,
        boundMs: patienceMs,
        ...(wid !== null && { wid }),
      });
      if (client.helloReply?.kind !== 'error') return client;
      note(this.refusals, client.helloReply.text);
      client.end();
    } catch {
      this.notConnected += 1;
    }
    await sleep(reconnectMs);
    return null;
  }
}

/** One more of `text`. */
export function note(counts: Map<string, number>, text: string): void {
  counts.set(text, (counts.get(text) ?? 0) + 1);
}
