// The demo's consumers: workers of a few connections each, which FETCH and ACK until they are told to
// leave. Promise: one that is refused comes again after a second; one that leaves finishes its FETCH and
// its job first.

import { setTimeout as sleep } from 'node:timers/promises';
import { RawClient } from '../test/support/raw-client.ts';

const PER_WORKER = 5;
const COME_AGAIN_MS = 1000;
const JOB_MS = 20;

export interface ConsumersStatus {
  /** How often one was admitted, of those that have left too. */
  readonly admissions: number;
  readonly refused: number;
  /** How often each refusal was read. */
  readonly refusals: ReadonlyMap<string, number>;
  readonly fetched: number;
  readonly acked: number;
}

export class Consumers {
  readonly #port: number;
  readonly #queue: string;
  readonly #refusals = new Map<string, number>();
  #members: Consumer[] = [];
  #made = 0;
  #admissions = 0;
  #fetched = 0;
  #acked = 0;

  constructor(port: number, queue: string) {
    this.#port = port;
    this.#queue = queue;
  }

  /** `count` more come, evenly over the time. */
  async add(count: number, overMs: number): Promise<void> {
    for (let added = 0; added < count; added += 1) {
      const consumer: Consumer = { isLeaving: false, isIn: false, life: Promise.resolve() };
      consumer.life = this.#live(consumer, `demo-${Math.floor(this.#made / PER_WORKER)}`);
      this.#members.push(consumer);
      this.#made += 1;
      await sleep(overMs / count);
    }
  }

  /** The first `count` that are in leave; done when they are gone. */
  leave(count: number): Promise<void> {
    return this.#part(this.#members.filter(({ isIn }) => isIn).slice(0, count));
  }

  leaveAll(): Promise<void> {
    return this.#part(this.#members);
  }

  status(): ConsumersStatus {
    return {
      admissions: this.#admissions,
      refused: [...this.#refusals.values()].reduce((sum, count) => sum + count, 0),
      refusals: this.#refusals,
      fetched: this.#fetched,
      acked: this.#acked,
    };
  }

  async #part(leaving: readonly Consumer[]): Promise<void> {
    for (const consumer of leaving) consumer.isLeaving = true;
    this.#members = this.#members.filter(({ isLeaving }) => !isLeaving);
    await Promise.all(leaving.map(({ life }) => life));
  }

  async #live(consumer: Consumer, wid: string): Promise<void> {
    while (!consumer.isLeaving) {
      const client = await RawClient.connect({ port: this.#port, wid });
      const { helloReply } = client;
      if (helloReply?.kind === 'status') {
        const refusal = await this.#work(consumer, client);
        if (refusal === null) {
          client.send('END\r\n');
          await client.closed;
          return;
        }
        this.#refuse(`-${refusal}`);
      }
      if (helloReply?.kind === 'error') this.#refuse(`-${helloReply.text}`);
      client.end();
      await client.closed;
      if (!consumer.isLeaving) await sleep(COME_AGAIN_MS);
    }
  }

  /** Works until it is told to leave. A worker may be refused by its first FETCH: then the text. */
  async #work(consumer: Consumer, client: RawClient): Promise<string | null> {
    while (!consumer.isLeaving) {
      const reply = await client.command(`FETCH ${this.#queue}`);
      if (reply.kind === 'error' && !consumer.isIn) return reply.text;
      if (reply.kind !== 'bulk') throw new Error(`Cannot fetch: ${JSON.stringify(reply)}`);
      if (!consumer.isIn) this.#admissions += 1;
      consumer.isIn = true;
      if (reply.text === null) continue;
      this.#fetched += 1;
      const { jid } = JSON.parse(reply.text) as { readonly jid: string };
      await sleep(JOB_MS);
      await client.command(`ACK ${JSON.stringify({ jid })}`);
      this.#acked += 1;
    }
    return null;
  }

  #refuse(text: string): void {
    this.#refusals.set(text, (this.#refusals.get(text) ?? 0) + 1);
  }
}

interface Consumer {
  isLeaving: boolean;
  isIn: boolean;
  life: Promise<void>;
}
