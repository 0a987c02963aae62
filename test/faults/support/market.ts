// Clients that do all the time what real ones do, on whatever bouncer has the port. Promise: a job that
// was fetched is acknowledged, over the next connection if its own was closed; every error is noted, and
// every reply that is not one to the command it came for.

import { setTimeout as sleep } from 'node:timers/promises';
import { pushLine } from '../../support/push-line.ts';
import type { RawClient } from '../../support/raw-client.ts';
import { note, ReturningClients } from '../../support/returning-clients.ts';

const NEXT_PUSH_MS = 40;
const RECONNECT_MS = 20;
/** A BEAT comes after so many jobs, or after this time: Faktory drops a worker after 60 s without. */
const JOBS_PER_BEAT = 20;
const BEAT_EVERY_MS = 15_000;
/** Faktory repeats the verb that it does not know: the reply tells whose it is. */
const PUSHES_PER_ECHO = 5;
const QUEUE = 'default';
/** Nothing is pushed to it. */
const VISITED_QUEUE = 'visited';

export interface MarketOptions {
  /** How long a client waits for a reply. Default: a minute. */
  readonly patienceMs?: number;
  /** Whether producers check that replies are theirs. Default: no. */
  readonly echoes?: boolean;
}

/** What a worker's client has in hand; it outlives the connection. */
interface Hands {
  toAcknowledge: string | null;
  jobsSinceBeat: number;
  beatAt: number;
}

export class Market {
  /** Jobs whose PUSH was acknowledged. */
  readonly pushed: string[] = [];
  /** How often each job was handed out. */
  readonly got = new Map<string, number>();
  readonly acknowledged = new Set<string>();
  /** Error replies to commands, by text. */
  readonly errors = new Map<string, number>();
  /** Replies that do not fit their command. */
  readonly wrong: string[] = [];
  /** Connections that were closed. */
  closed = 0;
  readonly #clients: ReturningClients;
  readonly #echoes: boolean;
  readonly #tried = new Set<string>();
  #echo = 0;
  #visits = 0;
  #producersAreOver = false;

  constructor(port: number, { patienceMs = 60_000, echoes = false }: MarketOptions = {}) {
    this.#clients = new ReturningClients({
      port,
      patienceMs,
      reconnectMs: RECONNECT_MS,
      left: (client, how) => {
        if (how === 'failed') {
          this.closed += 1;
          client.reset();
        } else {
          client.end();
        }
      },
    });
    this.#echoes = echoes;
  }

  /** Error replies to HELLO, or in place of HI, by text. */
  get refusals(): ReadonlyMap<string, number> {
    return this.#clients.refusals;
  }

  /** Connects that failed. */
  get notConnected(): number {
    return this.#clients.notConnected;
  }

  /** `visitors` come, do one thing and leave, again and again. */
  open(count: {
    readonly producers: number;
    readonly workers: number;
    readonly idle: number;
    readonly visitors?: number;
  }): void {
    for (let i = 0; i < count.producers; i += 1)
      this.#clients.come((client) => this.#produce(client), null);
    for (let i = 0; i < count.workers; i += 1) {
      const state: Hands = { toAcknowledge: null, jobsSinceBeat: 0, beatAt: performance.now() };
      const wid = `w${i % 10}`;
      this.#clients.come((client) => this.#work(client, wid, state), wid);
    }
    for (let i = 0; i < count.idle; i += 1) this.#clients.come((client) => client.closed, null);
    for (let i = 0; i < (count.visitors ?? 0); i += 1) {
      this.#clients.come((client) => this.#visit(client), i % 2 === 0 ? null : `visitor${i}`);
    }
  }

  /** Nothing more is pushed; each producer has heard of its last PUSH soon. */
  stopProducers(): void {
    this.#producersAreOver = true;
  }

  stop(closeIdle: () => Promise<void>): Promise<void> {
    return this.#clients.stop(closeIdle);
  }

  /** Every client that is connected leaves. */
  leaveAll(): void {
    for (const client of this.#clients.present) client.end();
  }

  async #produce(client: RawClient): Promise<void> {
    while (!this.#clients.isOver && !this.#producersAreOver) {
      const { jid, line } = pushLine({ reserve_for: 600 });
      this.#tried.add(jid);
      if (await this.#expectOk(client, line)) this.pushed.push(jid);
      if (this.#echoes && this.#tried.size % PUSHES_PER_ECHO === 0) await this.#expectEcho(client);
      await sleep(NEXT_PUSH_MS);
    }
    if (!this.#clients.isOver) await client.closed;
  }

  /** Half of them leave by RST, and half of those in the middle of a FETCH. */
  async #visit(client: RawClient): Promise<void> {
    this.#visits += 1;
    await sleep(NEXT_PUSH_MS);
    if (this.#visits % 4 === 0) {
      client.send(`FETCH ${VISITED_QUEUE}\r\n`);
      await sleep(NEXT_PUSH_MS);
    } else if (this.#visits % 4 !== 1) {
      await this.#expectEcho(client);
    }
    if (this.#visits % 2 === 0) client.reset();
  }

  async #work(client: RawClient, wid: string, state: Hands): Promise<void> {
    while (!this.#clients.isOver || state.toAcknowledge !== null) {
      if (state.toAcknowledge !== null) {
        const isDone = await this.#expectOk(client, `ACK {"jid":"${state.toAcknowledge}"}`);
        if (isDone) this.acknowledged.add(state.toAcknowledge);
        state.toAcknowledge = isDone ? null : state.toAcknowledge;
        if (!isDone) await sleep(RECONNECT_MS);
        continue;
      }
      const jid = await this.#fetch(client);
      state.toAcknowledge = jid;
      if (jid !== null) state.jobsSinceBeat += 1;
      await this.#beat(client, wid, state);
    }
  }

  async #beat(client: RawClient, wid: string, state: Hands): Promise<void> {
    const now = performance.now();
    if (state.jobsSinceBeat < JOBS_PER_BEAT && now - state.beatAt < BEAT_EVERY_MS) return;
    state.jobsSinceBeat = 0;
    state.beatAt = now;
    await this.#expectOk(client, `BEAT {"wid":"${wid}"}`);
  }

  /** The jid of a job; null without one. */
  async #fetch(client: RawClient): Promise<string | null> {
    const reply = await client.command(`FETCH ${QUEUE}`);
    if (reply.kind === 'error') {
      note(this.errors, reply.text);
      await sleep(RECONNECT_MS);
      return null;
    }
    if (reply.kind === 'bulk' && reply.text === null) return null;
    const job = reply.kind === 'bulk' ? jobIn(reply.text ?? '') : null;
    if (job === null || !this.#tried.has(job.jid)) {
      this.wrong.push(`FETCH: ${JSON.stringify(reply)}`);
      return null;
    }
    // One that Faktory tries again is handed out again.
    if (job.failure === undefined) this.got.set(job.jid, (this.got.get(job.jid) ?? 0) + 1);
    return job.jid;
  }

  /** False for an error. */
  async #expectOk(client: RawClient, line: string): Promise<boolean> {
    const reply = await client.command(line);
    if (reply.kind === 'status' && reply.text === 'OK') return true;
    if (reply.kind === 'error') note(this.errors, reply.text);
    else this.wrong.push(`${line}: ${JSON.stringify(reply)}`);
    return false;
  }

  async #expectEcho(client: RawClient): Promise<void> {
    this.#echo += 1;
    const verb = `ECHO${this.#echo}`;
    const reply = await client.command(verb);
    if (reply.kind !== 'error') this.wrong.push(`${verb}: ${JSON.stringify(reply)}`);
    else if (!/ECHO/.test(reply.text)) note(this.errors, reply.text);
    else if (!reply.text.endsWith(verb)) this.wrong.push(`${verb}: ${reply.text}`);
  }
}

interface Job {
  readonly jid: string;
  readonly failure?: unknown;
}

function jobIn(text: string): Job | null {
  try {
    return JSON.parse(text) as Job;
  } catch {
    return null;
  }
}
