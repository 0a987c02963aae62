// Empties a queue and says which of its jobs were expected. Promise: every job in the queue is
// fetched and acknowledged, so what is missing afterwards was not there.

import { Connection, helloLine } from './connection.ts';
import type { Address, ConnectionOwner } from './connection.ts';
import { DialGate } from './dial-gate.ts';
import type { Reply } from './reply-reader.ts';

const CONNECTIONS = 4;

export interface DrainReport {
  /** Expected jobs that were there. */
  readonly found: number;
  /** Expected jobs that were not there. */
  readonly missing: number;
  /** Jobs that were there more than once. */
  readonly twice: number;
  /** Jobs that were there without having been acknowledged. */
  readonly unexpected: number;
}

export async function drain(
  address: Address,
  queue: string,
  expected: ReadonlySet<string>,
): Promise<DrainReport> {
  const gate = new DialGate(CONNECTIONS);
  const found = new Set<string>();
  let unexpected = 0;
  let twice = 0;
  const take = (jid: string): void => {
    if (found.has(jid)) twice += 1;
    else found.add(jid);
  };
  const drainers = Array.from({ length: CONNECTIONS }, () => {
    return new Promise<void>((resolve, reject) => {
      const owner = new Drainer(queue, take, resolve, reject);
      gate.enter(() => new Connection(address, helloLine('load-drain'), gate, owner));
    });
  });
  await Promise.all(drainers);
  for (const jid of found) if (!expected.has(jid)) unexpected += 1;
  const foundExpected = found.size - unexpected;
  return { found: foundExpected, missing: expected.size - foundExpected, twice, unexpected };
}

class Drainer implements ConnectionOwner {
  readonly #fetchLine: string;
  readonly #take: (jid: string) => void;
  readonly #done: () => void;
  readonly #failed: (error: Error) => void;
  #fetching = true;

  constructor(
    queue: string,
    take: (jid: string) => void,
    done: () => void,
    failed: (error: Error) => void,
  ) {
    this.#fetchLine = `FETCH ${queue}\r\n`;
    this.#take = take;
    this.#done = done;
    this.#failed = failed;
  }

  admitted(connection: Connection): void {
    connection.send(this.#fetchLine);
  }

  refused(text: string): void {
    this.#failed(new Error(`Cannot drain the queue: ${text}`));
  }

  replied(reply: Reply, connection: Connection): void {
    if (reply.kind === 'error') return this.refused(reply.text);
    if (!this.#fetching) {
      this.#fetching = true;
      return connection.send(this.#fetchLine);
    }
    if (reply.kind !== 'bulk' || reply.body === null) {
      connection.end();
      return this.#done();
    }
    const { jid } = JSON.parse(reply.body) as { jid: string };
    this.#take(jid);
    this.#fetching = false;
    connection.send(`ACK {"jid":${JSON.stringify(jid)}}\r\n`);
  }

  closed(why: string): void {
    this.#failed(new Error(`Cannot drain the queue: connection closed ${why}`));
  }
}
