// What one measurement stands on: a fresh Faktory, its Redis, perhaps a bouncer, and a crowd. Promise:
// everything is given to the clean-up as soon as it is started, and `close` ends all of it.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { RawClient } from '../../test/support/raw-client.ts';
import { RealFaktory } from '../../test/support/real-faktory.ts';
import { BouncerProcess, builtProgram } from '../bouncer-process.ts';
import type { CleanUp } from '../clean-up.ts';
import { familyOf } from '../compare/processes.ts';
import { jidText, readLedger, readStored } from './account.ts';
import type { Ledger, Stored } from './account.ts';
import { Crowd } from './crowd.ts';
import type { CrowdFlags, CrowdReport } from './crowd.ts';
import { watchGroup } from '../watchdog.ts';
import type { StruggleFront, StruggleOptions } from './struggle-options.ts';

export const PUSH_QUEUE = 'bench-push';
export const WORK_QUEUE = 'bench-cycle';
const JOBS_PER_PUSHB = 500;

export class Stage {
  readonly faktory: RealFaktory;
  readonly redis: Redis;
  readonly bouncer: BouncerProcess | null;
  readonly #ledgerFile: string;
  readonly #ends: (() => Promise<void>)[] = [];
  readonly #cleanUp: CleanUp;

  /** `settings` are options of the bouncer, on top of those from the command line. */
  static async open(plan: {
    readonly front: StruggleFront;
    readonly withRedisUrl: boolean;
    readonly options: StruggleOptions;
    readonly cleanUp: CleanUp;
  }): Promise<Stage> {
    const { front, options, cleanUp } = plan;
    const faktory = await RealFaktory.start();
    const endFaktory = cleanUp.add(() => faktory.stop());
    const folder = await mkdtemp(join(tmpdir(), 'struggle-'));
    const endFolder = cleanUp.add(() => rm(folder, { recursive: true, force: true }));
    const redis = new Redis({ path: faktory.redisSocket });
    const endRedis = cleanUp.add(() => redis.disconnect());
    await redis.config('SET', 'save', '');
    const server = { host: faktory.host, port: faktory.port };
    const settings = {
      ...options.settings,
      mode: front,
      ...(plan.withRedisUrl && { redis: { url: faktory.redisSocket } }),
    };
    const bouncer =
      front === 'direct'
        ? null
        : await BouncerProcess.start(server, settings, builtProgram(options.bouncer));
    const endBouncer = cleanUp.add(async () => await bouncer?.stop());
    const endWatch = bouncer === null ? () => undefined : watchGroup(bouncer.pid);
    const own = { faktory, redis, bouncer, cleanUp, ledgerFile: join(folder, 'ledger') };
    const stage = new Stage(own);
    stage.#ends.push(endBouncer, async () => endWatch(), endRedis, endFaktory, endFolder);
    await stage.#makeQueues();
    return stage;
  }

  private constructor(own: {
    readonly faktory: RealFaktory;
    readonly redis: Redis;
    readonly bouncer: BouncerProcess | null;
    readonly cleanUp: CleanUp;
    readonly ledgerFile: string;
  }) {
    this.faktory = own.faktory;
    this.redis = own.redis;
    this.bouncer = own.bouncer;
    this.#cleanUp = own.cleanUp;
    this.#ledgerFile = own.ledgerFile;
  }

  get faktoryPid(): number {
    return this.faktory.pid ?? 0;
  }

  get redisPid(): number {
    return familyOf(this.faktoryPid)[1] ?? 0;
  }

  /** Resolves when its clients are admitted; they begin with `go`. */
  async crowd(flags: CrowdFlags): Promise<{ readonly crowd: Crowd; readonly ready: CrowdReport }> {
    const crowd = new Crowd(this.bouncer?.address ?? this.faktory, {
      queue: PUSH_QUEUE,
      'work-queue': WORK_QUEUE,
      ledger: this.#ledgerFile,
      ...flags,
    });
    this.#ends.unshift(this.#cleanUp.add(() => crowd.kill()));
    return { crowd, ready: await crowd.report('ready') };
  }

  /** Pushes jobs past the bouncer, many with each command. */
  async fill(queue: string, jids: readonly number[], retry: number): Promise<void> {
    const client = await this.#directClient();
    for (let from = 0; from < jids.length; from += JOBS_PER_PUSHB) {
      const jobs = jids.slice(from, from + JOBS_PER_PUSHB).map((jid) => {
        return { jid: jidText(jid), queue, jobtype: 'Bench', args: [], retry };
      });
      const reply = await client.command(`PUSHB ${JSON.stringify(jobs)}`);
      if (reply.kind !== 'bulk') throw new Error(`Cannot fill the queue: ${JSON.stringify(reply)}`);
    }
    client.end();
    await client.closed;
  }

  ledger(): Promise<Ledger> {
    return readLedger(this.#ledgerFile);
  }

  stored(isComplete: (stored: Stored) => boolean): Promise<Stored> {
    return readStored(this.redis, isComplete);
  }

  async close(): Promise<void> {
    for (const end of this.#ends) await end();
  }

  /** Faktory checks the write that makes a queue, and no later one: real queues exist already. */
  async #makeQueues(): Promise<void> {
    const client = await this.#directClient();
    for (const queue of [PUSH_QUEUE, WORK_QUEUE]) {
      const job = { jid: `seed-${queue}`, queue, jobtype: 'Bench', args: [] };
      await client.command(`PUSH ${JSON.stringify(job)}`);
    }
    await client.command(`FETCH ${WORK_QUEUE}`);
    await client.command(`ACK {"jid":"seed-${WORK_QUEUE}"}`);
    client.end();
    await client.closed;
  }

  #directClient(): Promise<RawClient> {
    return RawClient.connect({ port: this.faktory.port, wid: 'struggle-setup' });
  }
}
