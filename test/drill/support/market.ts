// Clients that do all the time what real ones do, on whatever bouncer has the port. Promise: a job that
// was fetched is acknowledged, over the next connection if its own was closed; every error is noted.

import { pushLine } from '../../support/push-line.ts';
import { RawClient } from '../../support/raw-client.ts';

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
  /** Error replies to HELLO, or in place of HI, by text. */
  readonly refusals = new Map<string, number>();
  /** Commands that were sent, and whose connection was closed before the reply, by verb. */
  readonly unanswered = new Map<string, number>();
  /** The jobs of such PUSHes. */
  readonly unansweredPushes: string[] = [];
  /** Connections that were closed by the other side. */
  closed = 0;
  /** Connections that were reset, or refused by the kernel, before HI. */
  notConnected = 0;
  /** Clients that are connected now. */
  connected = 0;
  readonly #port: number;
  readonly #running: Promise<void>[] = [];
  readonly #beatAt = new Map<string, number>();
  #isOver = false;
  #producersAreOver = false;

  constructor(port: number) {
    this.#port = port;
  }

  open({ producers, pushesPerSecond, workers, waiters, idle }: Crowd): void {
    const everyMs = (1000 * producers) / pushesPerSecond;
    for (let i = 0; i < producers; i += 1) {
      const dueAt = performance.now() + (i * everyMs) / producers;
      this.#run((client) => this.#produce(client, dueAt, everyMs), null);
    }
    this.#openWorkers(workers, 'worker', 'default');
    this.#openWorkers(waiters, 'waiter', 'idle');
    for (let i = 0; i < idle; i += 1) this.#run((client) => client.closed, null);
  }

  /** Nothing more is pushed; each producer has heard of its last PUSH soon. */
  stopProducers(): void {
    this.#producersAreOver = true;
  }

  async stop(closeIdle: () => Promise<unknown>): Promise<void> {
    this.#isOver = true;
    await closeIdle();
    await Promise.all(this.#running);
  }

  #openWorkers(count: number, name: string, queue: string): void {
    for (let i = 0; i < count; i += 1) {
      const wid = `${name}-${Math.floor(i / CLIENTS_PER_WORKER)}`;
      const hands: Hands = { wid, queue, toAcknowledge: null };
      this.#run((client) => this.#work(client, hands), wid);
    }
  }

  #run(live: (client: RawClient) => Promise<void>, wid: string | null): void {
    this.#running.push(this.#keepLiving(live, wid));
  }

  async #keepLiving(live: (client: RawClient) => Promise<void>, wid: string | null): Promise<void> {
    while (!this.#isOver) {
      const client = await this.#connect(wid);
      if (client === null) continue;
      this.connected += 1;
      await live(client).catch(() => undefined);
      this.connected -= 1;
      if (!this.#isOver && client.isClosed) this.closed += 1;
      client.end();
    }
  }

  async #connect(wid: string | null): Promise<RawClient | null> {
    try {
      const port = this.#port;
      const client = await RawClient.connect({
        port,
        boundMs: BOUND_MS,
        ...(wid !== null && { wid }),
      });
      if (client.helloReply?.kind !== 'error') return client;
      note(this.refusals, client.helloReply.text);
      client.end();
    } catch {
      this.notConnected += 1;
    }
    await passed(RECONNECT_MS);
    return null;
  }

  async #produce(client: RawClient, firstAt: number, everyMs: number): Promise<void> {
    for (let dueAt = firstAt; !this.#isOver && !this.#producersAreOver; dueAt += everyMs) {
      const now = performance.now();
      if (now > dueAt + LATE_MS) dueAt = now;
      if (now < dueAt) await passed(dueAt - now);
      await this.#push(client);
    }
    if (!this.#isOver) await client.closed;
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
    while (!this.#isOver || hands.toAcknowledge !== null) {
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

function note(counts: Map<string, number>, text: string): void {
  counts.set(text, (counts.get(text) ?? 0) + 1);
}

function passed(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
