// Clients that do all the time what real ones do, on whatever bouncer has the port. Promise: a job that
// was fetched is acknowledged, over the next connection if its own was closed; every error is noted.

import { setTimeout as sleep } from 'node:timers/promises';
import { pushLine } from '../../support/push-line.ts';
import type { RawClient } from '../../support/raw-client.ts';
import { note, ReturningClients } from '../../support/returning-clients.ts';

const RECONNECT_MS = 200;
/** As real workers do; Faktory drops a worker after 60 s without. */
const BEAT_EVERY_MS = 15_000;
const CLIENTS_PER_WORKER = 20;
/** No client waits for longer: neither for a connection nor for a reply. */
const BOUND_MS = 60_000;
/** A producer that comes so late does not make up for what it has missed. */
const LATE_MS = 1000;

export interface Crowd {
  /** How many producers push so many jobs per second, all together. */
  readonly producers: number;
  readonly pushesPerSecond: number;
  /** Clients of workers that FETCH from the queue of the jobs. */
  readonly workers: number;
  /** Clients of workers that FETCH from a queue without jobs. */
  readonly waiters: number;
  /** Clients that have sent HELLO, and nothing else. */
  readonly idle: number;
}

/** What a worker's client has in hand; it outlives the connection. */
interface Hands {
  readonly wid: string;
  readonly queue: string;
  toAcknowledge: string | null;
}

export class Market {
  /** Jobs whose PUSH was acknowledged. */
  readonly pushed: string[] = [];
  /** How often each job was handed out. */
  readonly got = new Map<string, number>();
  readonly acknowledged = new Set<string>();
  /** Error replies to commands, and commands without a reply in time, by text. */
  readonly errors = new Map<string, number>();
  /** Commands that were sent, and whose connection was closed before the reply, by verb. */
  readonly unanswered = new Map<string, number>();
  /** The jobs of such PUSHes. */
  readonly unansweredPushes: string[] = [];
  /** Connections that were closed by the other side. */
  closed = 0;
  readonly #clients: ReturningClients;
  readonly #beatAt = new Map<string, number>();
  #producersAreOver = false;

  constructor(port: number) {
    this.#clients = new ReturningClients({
      port,
      patienceMs: BOUND_MS,
      reconnectMs: RECONNECT_MS,
      left: (client) => {
        if (!this.#clients.isOver && client.isClosed) this.closed += 1;
        client.end();
      },
    });
  }

  /** Error replies to HELLO, or in place of HI, by text. */
  get refusals(): ReadonlyMap<string, number> {
    return this.#clients.refusals;
  }

  /** Connections that were reset, or refused by the kernel, before HI. */
  get notConnected(): number {
    return this.#clients.notConnected;
  }

  /** Clients that are connected now. */
  get connected(): number {
    return this.#clients.present.size;
  }

  open({ producers, pushesPerSecond, workers, waiters, idle }: Crowd): void {
    const everyMs = (1000 * producers) / pushesPerSecond;
    for (let i = 0; i < producers; i += 1) {
      const dueAt = performance.now() + (i * everyMs) / producers;
      this.#clients.come((client) => this.#produce(client, dueAt, everyMs), null);
    }
    this.#openWorkers(workers, 'worker', 'default');
    this.#openWorkers(waiters, 'waiter', 'idle');
    for (let i = 0; i < idle; i += 1) this.#clients.come((client) => client.closed, null);
  }

  /** Nothing more is pushed; each producer has heard of its last PUSH soon. */
  stopProducers(): void {
    this.#producersAreOver = true;
  }

  stop(closeIdle: () => Promise<unknown>): Promise<void> {
    return this.#clients.stop(closeIdle);
  }

  #openWorkers(count: number, name: string, queue: string): void {
    for (let i = 0; i < count; i += 1) {
      const wid = `${name}-${Math.floor(i / CLIENTS_PER_WORKER)}`;
      const hands: Hands = { wid, queue, toAcknowledge: null };
      this.#clients.come((client) => this.#work(client, hands), wid);
    }
  }

  async #produce(client: RawClient, firstAt: number, everyMs: number): Promise<void> {
    for (let dueAt = firstAt; !this.#clients.isOver && !this.#producersAreOver; dueAt += everyMs) {
      const now = performance.now();
      if (now > dueAt + LATE_MS) dueAt = now;
      if (now < dueAt) await sleep(dueAt - now);
      await this.#push(client);
    }
    if (!this.#clients.isOver) await client.closed;
  }

  async #push(client: RawClient): Promise<void> {
    const { jid, line } = pushLine({ reserve_for: 600 });
    try {
      if (await this.#isAnswered(client, line)) this.pushed.push(jid);
    } catch (error) {
      this.unansweredPushes.push(jid);
      throw error;
    }
  }

  async #work(client: RawClient, hands: Hands): Promise<void> {
    while (!this.#clients.isOver || hands.toAcknowledge !== null) {
      if (hands.toAcknowledge !== null) {
        const jid = hands.toAcknowledge;
        if (await this.#isAnswered(client, `ACK {"jid":"${jid}"}`)) this.acknowledged.add(jid);
        hands.toAcknowledge = null;
      }
      await this.#beat(client, hands.wid);
      const reply = await this.#command(client, `FETCH ${hands.queue}`);
      if (reply.kind === 'error') note(this.errors, reply.text);
      if (reply.kind !== 'bulk' || reply.text === null) continue;
      const { jid } = JSON.parse(reply.text) as { jid: string };
      this.got.set(jid, (this.got.get(jid) ?? 0) + 1);
      hands.toAcknowledge = jid;
    }
  }

  /** One client of the worker does it for all. */
  async #beat(client: RawClient, wid: string): Promise<void> {
    const now = performance.now();
    const lastAt = this.#beatAt.get(wid);
    if (lastAt === undefined) this.#beatAt.set(wid, now);
    if (lastAt === undefined || now - lastAt < BEAT_EVERY_MS) return;
    this.#beatAt.set(wid, now);
    await this.#isAnswered(client, `BEAT {"wid":"${wid}"}`);
  }

  /** False: with an error, which is noted. */
  async #isAnswered(client: RawClient, line: string): Promise<boolean> {
    const reply = await this.#command(client, line);
    if (reply.kind !== 'error') return true;
    note(this.errors, reply.text);
    return false;
  }

  async #command(client: RawClient, line: string): ReturnType<RawClient['command']> {
    if (client.isClosed) throw new Error('Cannot send: the connection is closed');
    try {
      return await client.command(line);
    } catch (error) {
      const verb = line.slice(0, line.indexOf(' '));
      if (client.isClosed) note(this.unanswered, verb);
      else note(this.errors, `${verb} was not answered within ${BOUND_MS} ms`);
      throw error;
    }
  }
}
