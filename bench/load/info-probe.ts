// Asks INFO again and again over one connection, as a monitoring client does. Promise: never two at
// once; an error, a cut and an answer for which clients no longer wait all count as failures.

import { Connection, helloLine } from './connection.ts';
import type { Address, ConnectionOwner } from './connection.ts';
import { DialGate } from './dial-gate.ts';
import type { Reply } from './reply-reader.ts';

/** Ruby and Go clients give up then. */
const ANSWER_WITHIN_MS = 5000;
const GATE_FOR_ALL = new DialGate(100);

/** The part of Faktory's INFO that is used here. */
export interface Info {
  readonly faktory: { readonly queues: Readonly<Record<string, number>> };
  readonly server: { readonly connections: number };
}

export class InfoProbe implements ConnectionOwner {
  readonly #address: Address;
  readonly #ticker: NodeJS.Timeout;
  #connection: Connection | null = null;
  #askedAt: number | null = null;
  #latest: { readonly info: Info; readonly tookMs: number } | null = null;
  #durationsMs: number[] = [];
  #answers = 0;
  #lastFailed = false;
  #connectionsMax = 0;

  constructor(address: Address, everyMs: number) {
    this.#address = address;
    this.#dial();
    this.#ticker = setInterval(() => this.#tick(), everyMs);
  }

  /** How long each took; a failure is Infinity. */
  get durationsMs(): readonly number[] {
    return this.#durationsMs;
  }

  /** How many answers with an INFO have come so far. */
  get answers(): number {
    return this.#answers;
  }

  get latest(): { readonly info: Info; readonly tookMs: number } | null {
    return this.#latest;
  }

  /** The most connections an INFO has shown, without this probe's own. */
  get connectionsMax(): number {
    return this.#connectionsMax;
  }

  /** Whether the last INFO failed or is overdue: then the figures are older than now. */
  get blind(): boolean {
    return this.#lastFailed || this.#overdue();
  }

  stop(): void {
    clearInterval(this.#ticker);
    if (this.#overdue()) this.#durationsMs.push(Infinity);
    this.#askedAt = null;
    this.#connection?.destroy();
  }

  admitted(): void {
    this.#tick();
  }

  refused(): void {
    this.#failed();
  }

  replied(reply: Reply): void {
    if (this.#askedAt === null) return;
    const tookMs = performance.now() - this.#askedAt;
    this.#askedAt = null;
    if (reply.kind !== 'bulk' || reply.body === null) return this.#failed();
    const info = JSON.parse(reply.body) as Info;
    this.#latest = { info, tookMs };
    this.#answers += 1;
    this.#lastFailed = false;
    this.#durationsMs.push(tookMs > ANSWER_WITHIN_MS ? Infinity : tookMs);
    this.#connectionsMax = Math.max(this.#connectionsMax, info.server.connections - 1);
  }

  closed(): void {
    this.#connection = null;
    if (this.#askedAt !== null) this.#failed();
    this.#askedAt = null;
  }

  #dial(): void {
    GATE_FOR_ALL.enter(() => {
      this.#connection = new Connection(this.#address, helloLine(null), GATE_FOR_ALL, this);
    });
  }

  #tick(): void {
    if (this.#connection === null) return this.#dial();
    if (this.#connection.state !== 'admitted' || this.#askedAt !== null) return;
    this.#askedAt = performance.now();
    this.#connection.send('INFO\r\n');
  }

  #failed(): void {
    this.#lastFailed = true;
    this.#durationsMs.push(Infinity);
  }

  #overdue(): boolean {
    return this.#askedAt !== null && performance.now() - this.#askedAt > ANSWER_WITHIN_MS;
  }
}
