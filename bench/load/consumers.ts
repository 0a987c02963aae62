// A crowd of consumers: workers of so many connections each, every one of which FETCHes and ACKs for
// ever. Promise: one command outstanding per connection; a refused or lost one comes again after a
// delay; one that leaves politely finishes its FETCH and its job first, so no job strands with it.

import { Connection, helloLine } from './connection.ts';
import type { Address, ConnectionOwner, ConnectionState } from './connection.ts';
import { DialGate } from './dial-gate.ts';
import type { Reply } from './reply-reader.ts';
import { Tally } from './tally.ts';
import type { TallyCounts } from './tally.ts';

const BEAT_EVERY_MS = 15_000;
const DIALS_OUTSTANDING_MAX = 200;
const DELAY_JITTER = 0.2;

export interface ConsumersOptions {
  readonly address: Address;
  readonly perWorker: number;
  readonly queues: readonly string[];
  /** How long one that was refused, lost or told an error stays away. */
  readonly retryDelayMs: number;
  /** How long a job takes. */
  readonly jobMs: number;
  readonly widPrefix: string;
}

export interface ConsumersStatus {
  readonly wanted: number;
  readonly admitted: number;
  /** HELLO said, not answered yet. */
  readonly waiting: number;
  /** How often one was admitted, of those that have left too. */
  readonly admissions: number;
  readonly refused: number;
  readonly refusals: TallyCounts;
  /** Connections that ended although nobody here meant them to. */
  readonly lost: TallyCounts;
  readonly fetched: number;
  readonly acked: number;
  readonly errors: TallyCounts;
}

interface Worker {
  readonly wid: string;
  readonly hello: string;
  beatDueAt: number;
}

/** What all consumers of a crowd share. */
interface Shared {
  readonly options: ConsumersOptions;
  readonly gate: DialGate;
  readonly fetchLine: string;
  readonly refusals: Tally;
  readonly lost: Tally;
  readonly errors: Tally;
  admissions: number;
  fetched: number;
  acked: number;
}

export class Consumers {
  readonly #shared: Shared;
  #members: Consumer[] = [];
  #worker: Worker | null = null;
  #made = 0;

  constructor(options: ConsumersOptions) {
    this.#shared = {
      options,
      gate: new DialGate(DIALS_OUTSTANDING_MAX),
      fetchLine: `FETCH ${options.queues.join(' ')}\r\n`,
      refusals: new Tally(),
      lost: new Tally(),
      errors: new Tally(),
      admissions: 0,
      fetched: 0,
      acked: 0,
    };
  }

  /**
   * Adds `count` that come evenly over `overMs`: a crowd that came in one moment would FETCH in step
   * ever after, which no real one does.
   */
  add(count: number, overMs: number): void {
    for (let added = 0; added < count; added += 1) {
      if (this.#worker === null || this.#made % this.#shared.options.perWorker === 0) {
        const wid = `${this.#shared.options.widPrefix}${this.#made}`;
        const beatDueAt = performance.now() + BEAT_EVERY_MS;
        this.#worker = { wid, hello: helloLine(wid), beatDueAt };
      }
      this.#made += 1;
      const member = new Consumer(this.#shared, this.#worker);
      member.come((overMs * added) / count);
      this.#members.push(member);
    }
  }

  /** The first `count` that are admitted leave politely; done when they are gone. */
  async leave(count: number): Promise<void> {
    const leaving = this.#members.filter((member) => member.state === 'admitted').slice(0, count);
    await this.#part(leaving);
  }

  async leaveAll(): Promise<void> {
    await this.#part([...this.#members]);
  }

  status(): ConsumersStatus {
    const shared = this.#shared;
    return {
      wanted: this.#members.length,
      admitted: this.#members.filter((member) => member.state === 'admitted').length,
      waiting: this.#members.filter((member) => member.state === 'waiting').length,
      admissions: shared.admissions,
      refused: shared.refusals.total,
      refusals: shared.refusals.counts(),
      lost: shared.lost.counts(),
      fetched: shared.fetched,
      acked: shared.acked,
      errors: shared.errors.counts(),
    };
  }

  async #part(leaving: readonly Consumer[]): Promise<void> {
    await Promise.all(leaving.map((member) => member.leave()));
    const gone = new Set(leaving);
    this.#members = this.#members.filter((member) => !gone.has(member));
  }
}

/** One consumer's place in the crowd; it outlives its connections. */
class Consumer implements ConnectionOwner {
  readonly #shared: Shared;
  readonly #worker: Worker;
  #connection: Connection | null = null;
  #awaited: 'fetch' | 'ack' | 'beat' = 'fetch';
  #wasRefused = false;
  #left: (() => void) | null = null;

  constructor(shared: Shared, worker: Worker) {
    this.#shared = shared;
    this.#worker = worker;
  }

  come(afterMs: number): void {
    setTimeout(() => this.#dial(), afterMs);
  }

  get state(): ConnectionState | 'away' {
    return this.#connection?.state ?? 'away';
  }

  leave(): Promise<void> {
    return new Promise((resolve) => {
      this.#left = resolve;
      if (this.#connection === null) resolve();
      else if (this.#connection.state !== 'admitted') this.#connection.destroy();
    });
  }

  admitted(connection: Connection): void {
    this.#shared.admissions += 1;
    this.#next(connection);
  }

  refused(text: string): void {
    this.#wasRefused = true;
    this.#shared.refusals.add(text);
  }

  replied(reply: Reply, connection: Connection): void {
    if (reply.kind === 'error') return this.#failed(reply.text, connection);
    if (this.#awaited === 'fetch' && reply.kind === 'bulk' && reply.body !== null) {
      this.#shared.fetched += 1;
      this.#work(reply.body, connection);
      return;
    }
    if (this.#awaited === 'ack') this.#shared.acked += 1;
    this.#next(connection);
  }

  closed(why: string): void {
    this.#connection = null;
    if (this.#left !== null) return this.#left();
    if (!this.#wasRefused) this.#shared.lost.add(why === '' ? 'closed' : why);
    this.#wasRefused = false;
    this.come(this.#delayMs());
  }

  #dial(): void {
    const { gate, options } = this.#shared;
    gate.enter(() => {
      if (this.#left !== null) return gate.leave();
      this.#connection = new Connection(options.address, this.#worker.hello, gate, this);
    });
  }

  #work(job: string, connection: Connection): void {
    const { jid } = JSON.parse(job) as { jid: string };
    const { jobMs } = this.#shared.options;
    const acknowledge = (): void => {
      if (connection.state !== 'admitted') return;
      this.#awaited = 'ack';
      connection.send(`ACK {"jid":${JSON.stringify(jid)}}\r\n`);
    };
    if (jobMs === 0) acknowledge();
    else setTimeout(acknowledge, jobMs);
  }

  #next(connection: Connection): void {
    if (connection.state !== 'admitted') return;
    if (this.#left !== null) return connection.end();
    const now = performance.now();
    if (now >= this.#worker.beatDueAt) {
      this.#worker.beatDueAt = now + BEAT_EVERY_MS;
      this.#awaited = 'beat';
      connection.send(`BEAT {"wid":"${this.#worker.wid}"}\r\n`);
      return;
    }
    this.#awaited = 'fetch';
    connection.send(this.#shared.fetchLine);
  }

  #failed(text: string, connection: Connection): void {
    // Faktory 1.9 refuses after its +OK: the first reply holds the refusal, then it closes.
    if (text.includes('too many connections')) return this.refused(text);
    this.#shared.errors.add(`${this.#awaited}: ${text}`);
    if (this.#left !== null) return connection.end();
    setTimeout(() => this.#next(connection), this.#delayMs());
  }

  #delayMs(): number {
    const jitter = 1 + DELAY_JITTER * (2 * Math.random() - 1);
    return this.#shared.options.retryDelayMs * jitter;
  }
}
