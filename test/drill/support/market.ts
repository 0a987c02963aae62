// Clients that do all the time what real ones do, on whatever bouncer has the port. Promise: a job that
// was fetched is acknowledged, over the next connection if its own was closed; every error is noted.

import { pushLine } from '../../session/house.ts';
import { RawClient } from '../../support/raw-client.ts';

const NEXT_PUSH_MS = 40;
const RECONNECT_MS = 20;
/** Faktory drops a worker after 60 s without a BEAT. */
const JOBS_PER_BEAT = 20;

export class Market {
  /** Jobs whose PUSH was acknowledged. */
  readonly pushed: string[] = [];
  /** How often each job was handed out. */
  readonly got = new Map<string, number>();
  readonly acknowledged = new Set<string>();
  /** Error replies to commands, and to HELLO, by text. */
  readonly errors = new Map<string, number>();
  readonly refusals = new Map<string, number>();
  /** Connections that were closed, and connects that failed. */
  closed = 0;
  notConnected = 0;
  readonly #port: number;
  readonly #running: Promise<void>[] = [];
  #isOver = false;
  #producersAreOver = false;

  constructor(port: number) {
    this.#port = port;
  }

  open(count: {
    readonly producers: number;
    readonly workers: number;
    readonly idle: number;
  }): void {
    for (let i = 0; i < count.producers; i += 1) this.#run((client) => this.#produce(client), null);
    for (let i = 0; i < count.workers; i += 1) {
      const state = { toAcknowledge: null as string | null, jobs: 0 };
      const wid = `w${i % 10}`;
      this.#run((client) => this.#work(client, wid, state), wid);
    }
    for (let i = 0; i < count.idle; i += 1) this.#run((client) => client.closed, null);
  }

  /** Nothing more is pushed; each producer has heard of its last PUSH soon. */
  stopProducers(): void {
    this.#producersAreOver = true;
  }

  async stop(closeIdle: () => Promise<void>): Promise<void> {
    this.#isOver = true;
    await closeIdle();
    await Promise.all(this.#running);
  }

  #run(live: (client: RawClient) => Promise<void>, wid: string | null): void {
    this.#running.push(this.#keepLiving(live, wid));
  }

  async #keepLiving(live: (client: RawClient) => Promise<void>, wid: string | null): Promise<void> {
    while (!this.#isOver) {
      const client = await this.#connect(wid);
      if (client === null) continue;
      try {
        await live(client);
      } catch {
        this.closed += 1;
      }
      client.end();
    }
  }

  async #connect(wid: string | null): Promise<RawClient | null> {
    try {
      const port = this.#port;
      const client = await RawClient.connect({
        port,
        boundMs: 60_000,
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

  async #produce(client: RawClient): Promise<void> {
    while (!this.#isOver && !this.#producersAreOver) {
      const { jid, line } = pushLine({ reserve_for: 600 });
      const reply = await client.command(line);
      if (reply.kind === 'error') note(this.errors, reply.text);
      else this.pushed.push(jid);
      await passed(NEXT_PUSH_MS);
    }
    if (!this.#isOver) await client.closed;
  }

  async #work(
    client: RawClient,
    wid: string,
    state: { toAcknowledge: string | null; jobs: number },
  ): Promise<void> {
    while (!this.#isOver || state.toAcknowledge !== null) {
      if (state.toAcknowledge !== null) {
        await this.#expectOk(client, `ACK {"jid":"${state.toAcknowledge}"}`);
        this.acknowledged.add(state.toAcknowledge);
        state.toAcknowledge = null;
      }
      const reply = await client.command('FETCH default');
      if (reply.kind === 'error') note(this.errors, reply.text);
      if (reply.kind !== 'bulk' || reply.text === null) continue;
      const { jid } = JSON.parse(reply.text) as { jid: string };
      this.got.set(jid, (this.got.get(jid) ?? 0) + 1);
      state.toAcknowledge = jid;
      state.jobs += 1;
      if (state.jobs % JOBS_PER_BEAT === 0) await this.#expectOk(client, `BEAT {"wid":"${wid}"}`);
    }
  }

  async #expectOk(client: RawClient, line: string): Promise<void> {
    const reply = await client.command(line);
    if (reply.kind === 'error') note(this.errors, reply.text);
  }
}

function note(counts: Map<string, number>, text: string): void {
  counts.set(text, (counts.get(text) ?? 0) + 1);
}

function passed(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
