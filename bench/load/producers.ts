// Producers that PUSH at a steady pace whatever the answers: jobs fall due by the clock, each goes to
// the producer that has been idle longest, and one that finds nobody idle waits for the next.
// Promise: a jid is pushed once; every PUSH sent is acknowledged, an error, cut off or unanswered.

import { Connection, helloLine } from './connection.ts';
import type { Address, ConnectionOwner } from './connection.ts';
import { DialGate } from './dial-gate.ts';
import type { Reply } from './reply-reader.ts';
import { percentiles } from './statistics.ts';
import type { Percentiles } from './statistics.ts';
import { Tally } from './tally.ts';
import type { TallyCounts } from './tally.ts';

const TICK_MS = 5;
const DIALS_OUTSTANDING_MAX = 200;
const RETRY_DELAY_MS = 1000;
const CONNECT_WAIT_MS = 5000;
/** How long a PUSH that is unanswered at the end is waited for. */
const LAST_ANSWER_WAIT_MS = 10_000;

export interface ProducersOptions {
  readonly address: Address;
  readonly connections: number;
  /** All producers together. */
  readonly jobsPerSecond: number;
  readonly seconds: number;
  readonly queue: string;
  readonly jidPrefix: string;
}

export interface ProducersStatus {
  readonly admitted: number;
  readonly refused: number;
  readonly offered: number;
  readonly sent: number;
  readonly acknowledged: number;
}

export interface ProducersReport extends ProducersStatus {
  /** From sending to the answer, of those acknowledged. */
  readonly latency: Percentiles;
  readonly unanswered: number;
  readonly errors: TallyCounts;
  readonly refusals: TallyCounts;
}

export class Producers {
  readonly options: ProducersOptions;
  readonly #gate = new DialGate(DIALS_OUTSTANDING_MAX);
  readonly #members: Producer[] = [];
  #idle: Producer[] = [];
  #nextIdle = 0;
  readonly #durationsMs: number[] = [];
  readonly #acknowledged = new Set<string>();
  readonly #errors = new Tally();
  readonly #refusals = new Tally();
  #offered = 0;
  #sent = 0;

  constructor(options: ProducersOptions) {
    this.options = options;
  }

  /** The jids that were answered with `+OK`. */
  get acknowledgedJids(): ReadonlySet<string> {
    return this.#acknowledged;
  }

  /** Connects, pushes for the whole time, waits for the last answers, leaves. */
  async run(): Promise<ProducersReport> {
    const { connections, seconds } = this.options;
    for (let made = 0; made < connections; made += 1) this.#members.push(this.#member());
    await until(() => this.#admitted() === connections, CONNECT_WAIT_MS);
    const startedAt = performance.now();
    for (;;) {
      const elapsed = (performance.now() - startedAt) / 1000;
      this.#offer(Math.min(elapsed, seconds));
      if (elapsed >= seconds) break;
      await sleep(TICK_MS);
    }
    await until(() => this.#outstanding() === 0, LAST_ANSWER_WAIT_MS);
    const report = {
      ...this.status(),
      latency: percentiles(this.#durationsMs),
      unanswered: this.#outstanding(),
      errors: this.#errors.counts(),
      refusals: this.#refusals.counts(),
    };
    for (const member of this.#members) member.leave();
    return report;
  }

  status(): ProducersStatus {
    return {
      admitted: this.#admitted(),
      refused: this.#refusals.total,
      offered: this.#offered,
      sent: this.#sent,
      acknowledged: this.#acknowledged.size,
    };
  }

  #member(): Producer {
    return new Producer(this.options.address, this.#gate, {
      idle: (producer) => this.#idle.push(producer),
      answered: (jid, sentAt, error) => {
        if (error !== null) return this.#errors.add(error);
        this.#acknowledged.add(jid);
        this.#durationsMs.push(performance.now() - sentAt);
      },
      refused: (text) => this.#refusals.add(text),
    });
  }

  #offer(elapsedSeconds: number): void {
    const { queue, jidPrefix, jobsPerSecond } = this.options;
    this.#offered = Math.floor(elapsedSeconds * jobsPerSecond);
    while (this.#sent < this.#offered) {
      const producer = this.#takeIdle();
      if (producer === null) return;
      this.#sent += 1;
      producer.push(`${jidPrefix}${this.#sent}`, queue);
    }
  }

  /** Who has been idle longest and is still there. */
  #takeIdle(): Producer | null {
    for (;;) {
      const producer = this.#idle[this.#nextIdle];
      if (producer === undefined) {
        this.#idle = [];
        this.#nextIdle = 0;
        return null;
      }
      this.#nextIdle += 1;
      if (producer.ready) return producer;
    }
  }

  #admitted(): number {
    return this.#members.filter((member) => member.admittedNow).length;
  }

  #outstanding(): number {
    return this.#members.filter((member) => member.outstanding).length;
  }
}

interface ProducerEvents {
  idle(producer: Producer): void;
  /** `error` is null when the PUSH was acknowledged. */
  answered(jid: string, sentAt: number, error: string | null): void;
  refused(text: string): void;
}

/** One producer; it outlives its connections. */
class Producer implements ConnectionOwner {
  readonly #address: Address;
  readonly #gate: DialGate;
  readonly #events: ProducerEvents;
  #connection: Connection | null = null;
  #pushed: { readonly jid: string; readonly sentAt: number } | null = null;
  #left = false;

  constructor(address: Address, gate: DialGate, events: ProducerEvents) {
    this.#address = address;
    this.#gate = gate;
    this.#events = events;
    this.#dial();
  }

  get admittedNow(): boolean {
    return this.#connection?.state === 'admitted';
  }

  get outstanding(): boolean {
    return this.#pushed !== null;
  }

  get ready(): boolean {
    return this.admittedNow && !this.outstanding;
  }

  push(jid: string, queue: string): void {
    this.#pushed = { jid, sentAt: performance.now() };
    const job = { jid, queue, jobtype: 'Load', args: [] };
    this.#connection?.send(`PUSH ${JSON.stringify(job)}\r\n`);
  }

  leave(): void {
    this.#left = true;
    this.#connection?.end();
  }

  admitted(): void {
    this.#events.idle(this);
  }

  refused(text: string): void {
    this.#events.refused(text);
  }

  replied(reply: Reply): void {
    this.#answer(reply.kind === 'error' ? reply.text : null);
    this.#events.idle(this);
  }

  closed(why: string): void {
    this.#connection = null;
    this.#answer(`cut off (${why === '' ? 'closed' : why})`);
    if (!this.#left) setTimeout(() => this.#dial(), RETRY_DELAY_MS);
  }

  #answer(error: string | null): void {
    if (this.#pushed === null) return;
    const { jid, sentAt } = this.#pushed;
    this.#pushed = null;
    this.#events.answered(jid, sentAt, error);
  }

  #dial(): void {
    this.#gate.enter(() => {
      if (this.#left) return this.#gate.leave();
      this.#connection = new Connection(this.#address, helloLine(null), this.#gate, this);
    });
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function until(holds: () => boolean, waitMs: number): Promise<void> {
  const endAt = performance.now() + waitMs;
  while (!holds() && performance.now() < endAt) await sleep(TICK_MS);
}
