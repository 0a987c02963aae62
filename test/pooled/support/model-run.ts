// One run of the model: a seed decides who does what in which order, and how every byte is split.
// Promise: the same seed gives the same run; what pooled mode promises is checked after each step
// and at the end, and what does not hold is returned in words.

import { setImmediate } from 'node:timers/promises';
import { seededRandom } from '../../session/house.ts';
import { BAD_QUEUE } from './memory-faktory.ts';
import { ModelClient } from './model-client.ts';
import { PooledHouse } from './pooled-house.ts';
import { settle } from './settle.ts';

const STEPS = 400;
const QUEUES = ['a', 'b', 'c'];
const WORKERS = ['w1', 'w2', 'w3', null];
const SENT_AGAIN = ['ACK', 'BEAT', 'INFO', 'FETCH'];

export interface RunResult {
  readonly problems: readonly string[];
  readonly jobs: number;
  readonly jobsHandedOut: number;
  readonly replies: number;
  readonly losses: number;
  /** Server connections given up for another worker. */
  readonly yields: number;
}

export function runModel(seed: number): Promise<RunResult> {
  return new ModelRun(seed).run();
}

class ModelRun {
  readonly #random: () => number;
  readonly #house: PooledHouse;
  readonly #clients: ModelClient[] = [];
  readonly #problems: string[] = [];
  readonly #pipelines: boolean;
  readonly #cap: number;
  #jobs = 0;
  #losses = 0;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
    this.#pipelines = this.#chance(0.3);
    // Some have room for all, in others workers wait for places.
    this.#cap = 6 + this.#upTo(4);
    const fetchesPerWorker = 1 + this.#upTo(3);
    this.#house = new PooledHouse({
      random: this.#random,
      serverConnections: this.#cap,
      producerReserve: this.#upTo(5),
      commandConnections: 1 + this.#upTo(3),
      bulkPush: this.#chance(0.5),
      fetchesPerWorker,
      fetchesPerWorkerMax: fetchesPerWorker + this.#upTo(4),
      fetchesInFlight: 1 + this.#upTo(4),
    });
  }

  async run(): Promise<RunResult> {
    await this.#house.start();
    for (let step = 0; step < STEPS; step += 1) {
      this.#step();
      if (this.#chance(0.5)) await setImmediate();
      this.#checkCap();
    }
    this.#house.faktory.start();
    await settle(this.#house, 12_000, () => this.#checkCap());
    this.#checkAllAnswered();
    for (const client of this.#clients) if (!client.isGone) client.close();
    await settle(this.#house, 12_000, () => this.#checkCap());
    this.#problems.push(...this.#house.leftovers().map((left) => `left over: ${left}`));
    this.#checkClients();
    this.#checkJobs();
    const jobs = [...this.#house.faktory.jobs.values()];
    return {
      problems: this.#problems,
      jobs: jobs.length,
      jobsHandedOut: jobs.filter(({ fetches }) => fetches > 0).length,
      replies: this.#clients.reduce((sum, { answered }) => sum + answered, 0),
      losses: this.#losses,
      yields: this.#house.counts.server.ends.values.yielded,
    };
  }

  #step(): void {
    const dice = this.#random();
    if (dice < 0.55) this.#deliver();
    else if (dice < 0.73) this.#executeOne();
    else if (dice < 0.92) this.#clientActs();
    else if (dice < 0.96) this.#clientComes();
    else if (dice < 0.985) this.#house.clock.advance(this.#chance(0.1) ? 2500 : this.#upTo(200));
    else this.#misfortune();
  }

  #deliver(): void {
    const end = this.#pick(this.#house.network.deliverable);
    if (end === undefined) return;
    end.deliver(this.#chance(0.3) ? 1 + this.#upTo(40) : Infinity);
  }

  #executeOne(): void {
    const connection = this.#pick(this.#house.faktory.busy);
    if (connection !== undefined) this.#house.faktory.step(connection);
  }

  #clientComes(): void {
    if (this.#clients.filter(({ isGone }) => !isGone).length >= 8) return;
    const wid = this.#pick(WORKERS) ?? null;
    const name = `${wid ?? 'p'}n${this.#clients.length}`;
    this.#clients.push(new ModelClient(name, wid, this.#house.accept()));
  }

  #clientActs(): void {
    const client = this.#pick(this.#clients.filter(({ isGone }) => !isGone));
    if (client === undefined) return;
    if (this.#chance(0.03)) {
      const die = this.#pick(['end', 'reset', 'close'] as const) ?? 'end';
      if (die !== 'end' || !client.hasEnded) client[die]();
      return;
    }
    const most = this.#pipelines ? 3 : 1;
    if (client.isReady && client.outstanding.length < most) this.#say(client);
  }

  #say(client: ModelClient): void {
    const done = client.held.length > 0 && this.#chance(0.4) ? client.held.shift() : undefined;
    if (done !== undefined) {
      client.send(this.#chance(0.7) ? 'ACK' : 'FAIL', { jid: done });
      return;
    }
    const dice = this.#random();
    if (dice < 0.35) this.#push(client);
    else if (dice < 0.75) client.fetch(this.#someQueues());
    else if (dice < 0.85 && client.wid !== null) client.send('BEAT', { wid: client.wid });
    else client.send(this.#pick(['INFO', 'MUTATE', 'FLUSHED', 'TRACK']) ?? 'INFO');
  }

  #push(client: ModelClient): void {
    this.#jobs += 1;
    const queue = this.#chance(0.05) ? BAD_QUEUE : this.#pick(QUEUES);
    const jid = `job-${String(this.#jobs).padStart(6, '0')}`;
    client.send('PUSH', { jid, queue: queue ?? 'a' });
  }

  #someQueues(): string[] {
    const some = QUEUES.filter(() => this.#chance(0.5));
    if (some.length === 0) return [...QUEUES];
    return this.#chance(0.5) ? some : some.toReversed();
  }

  #misfortune(): void {
    const { faktory } = this.#house;
    const dice = this.#random();
    this.#losses += 1;
    if (!faktory.isListening) {
      faktory.start();
    } else if (dice < 0.5) {
      const connection = this.#pick([...faktory.connections]);
      if (connection !== undefined) faktory.reset(connection);
    } else if (dice < 0.75) {
      faktory.die();
    } else {
      faktory.isShuttingDown = true;
      faktory.isListening = false;
    }
  }

  #checkCap(): void {
    const { serverConnections, faktory, counts } = this.#house;
    if (serverConnections > this.#cap)
      this.#problems.push(`${serverConnections} server connections`);
    const ends = counts.server.ends.values;
    // A dial that was given up in the middle is closed by Faktory when it comes to it.
    const givenUp = ends.connect_timeout + ends.handshake_timeout + ends.handshake_failed;
    if (givenUp === 0 && faktory.mostConnections > this.#cap) {
      this.#problems.push(`Faktory had ${faktory.mostConnections} connections`);
    }
  }

  /** Nobody waits for ever, now that Faktory is well. */
  #checkAllAnswered(): void {
    for (const { name, outstanding, isReady } of this.#clients) {
      const first = outstanding[0];
      if (isReady && first !== undefined) {
        this.#problems.push(`${name} was never answered ${first.verb} ${first.id}`);
      }
    }
  }

  #checkClients(): void {
    const { executed } = this.#house.faktory;
    const unknown = this.#house.faktory.unknown();
    for (const client of this.#clients) {
      this.#problems.push(...client.problems);
      for (const id of client.refusedIds) {
        if (id !== '' && executed.has(id)) this.#problems.push(`${id} was refused and executed`);
      }
      if (!client.wasClosed || !client.wasAdmitted || client.wasRefused) continue;
      const first = client.outstanding[0];
      const mayBe = first !== undefined && unknown.has(first.id);
      const again = first !== undefined && SENT_AGAIN.includes(first.verb);
      if (!mayBe || (again && first.verb !== 'INFO')) {
        this.#problems.push(`${client.name} was closed with ${first?.verb} ${first?.id}`);
      }
    }
    for (const client of this.#clients) {
      for (const { verb, id } of client.sent) {
        if (!SENT_AGAIN.includes(verb) && (executed.get(id) ?? 0) > 1) {
          this.#problems.push(`${verb} ${id} was executed twice`);
        }
      }
    }
  }

  #checkJobs(): void {
    const { jobs } = this.#house.faktory;
    const got = this.#clients.flatMap((client) => client.got);
    const taken = new Set(got);
    if (taken.size !== got.length) this.#problems.push(`a job was handed out twice: ${got.join()}`);
    const unread = this.#clients.map((client) => client.unread).join('\n');
    for (const job of jobs.values()) {
      if (job.where !== 'reserved' || job.wasCut || taken.has(job.jid)) continue;
      if (!unread.includes(`"${job.jid}"`)) this.#problems.push(`${job.jid} is lost`);
    }
    for (const { acknowledgedPushes, refusedPushes } of this.#clients) {
      for (const jid of acknowledgedPushes) {
        if (jobs.get(jid)?.pushes !== 1) this.#problems.push(`${jid} was acknowledged in vain`);
      }
      for (const jid of refusedPushes) {
        if (jobs.has(jid)) this.#problems.push(`${jid} was refused and is there`);
      }
    }
  }

  #chance(probability: number): boolean {
    return this.#random() < probability;
  }

  /** 0 to `most` - 1. */
  #upTo(most: number): number {
    return Math.floor(this.#random() * most);
  }

  #pick<T>(from: readonly T[]): T | undefined {
    return from[this.#upTo(from.length)];
  }
}
