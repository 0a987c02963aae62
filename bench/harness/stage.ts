// What a measurement stands on: a Faktory with its Redis, a front, and crowds. Promise: all of it is
// given to the clean-up as soon as it is started, and `close` ends it.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { RawClient } from '../../test/support/raw-client.ts';
import { RealFaktory } from '../../test/support/real-faktory.ts';
import type { CleanUp } from './clean-up.ts';
import { startFront } from './fronts.ts';
import type { Front } from './fronts.ts';
import { Crowd } from './generator.ts';
import type { CrowdFlags, CrowdReport } from './generator.ts';
import { jidText, readLedger, readStored } from './ledger.ts';
import type { Ledger, Stored } from './ledger.ts';
import { familyOf, pin } from './processes.ts';
import type { Address, Proxy } from './proxy.ts';

/** The generator's queue, for pushes and for fetches. */
const QUEUE = 'bench';
const JOBS_PER_PUSHB = 500;
/** Time for connections that the last clients left behind. */
const REST_MS = 300;

/** shared: all processes run on all cores. split: Faktory and Redis on the first core, clients and
 * proxy on the second. */
export type Placement = 'shared' | 'split';

const SERVER_CORE = '0';
const CLIENTS_CORE = '1';

interface Parts {
  readonly front: Front;
  readonly placement: Placement;
  readonly faktory: RealFaktory;
  readonly redis: Redis;
  readonly proxy: Proxy | null;
  readonly folder: string;
}

export class Stage {
  readonly front: Front;
  readonly faktory: RealFaktory;
  readonly redis: Redis;
  readonly proxy: Proxy | null;
  /** Faktory and its Redis. */
  readonly faktoryPid: number;
  readonly redisPid: number;
  readonly #placement: Placement;
  readonly #folder: string;
  readonly #cleanUp: CleanUp;
  readonly #ends: (() => Promise<void>)[] = [];

  static async open(front: Front, placement: Placement, cleanUp: CleanUp): Promise<Stage> {
    const ends: (() => Promise<void>)[] = [];
    const starting = placed(placement, () => RealFaktory.start());
    // Known before it is up: Ctrl-C may come in between.
    ends.push(cleanUp.add(() => starting.then((started) => started.stop()).catch(() => undefined)));
    const faktory = await starting;
    const folder = await mkdtemp(join(tmpdir(), 'bench-'));
    ends.push(cleanUp.add(() => rm(folder, { recursive: true, force: true })));
    const redis = new Redis({ path: faktory.redisSocket });
    ends.push(cleanUp.add(() => redis.disconnect()));
    // No snapshots meanwhile.
    await redis.config('SET', 'save', '');
    const fronting = startFront(front, faktory, faktory.redisSocket);
    ends.push(cleanUp.add(() => fronting.then((proxy) => proxy?.stop()).catch(() => undefined)));
    const proxy = await fronting;
    const parts = { front, placement, faktory, redis, proxy, folder };
    const stage = new Stage(parts, cleanUp, ends);
    await stage.#makeQueue();
    return stage;
  }

  private constructor(parts: Parts, cleanUp: CleanUp, ends: (() => Promise<void>)[]) {
    this.front = parts.front;
    this.faktory = parts.faktory;
    this.redis = parts.redis;
    this.proxy = parts.proxy;
    this.faktoryPid = parts.faktory.pid ?? 0;
    this.redisPid = familyOf(this.faktoryPid)[1] ?? 0;
    this.#placement = parts.placement;
    this.#folder = parts.folder;
    this.#cleanUp = cleanUp;
    this.#ends = ends;
    if (parts.placement === 'split') {
      for (const pid of this.proxyPids) pin(pid, CLIENTS_CORE);
    }
  }

  get proxyPids(): readonly number[] {
    return this.proxy?.pids ?? [];
  }

  /** Where clients connect. */
  get address(): Address {
    return this.proxy?.address ?? { host: this.faktory.host, port: this.faktory.port };
  }

  /** Resolves when its clients are admitted, or will not be for long; they begin with "go". */
  async crowd(flags: CrowdFlags): Promise<{ readonly crowd: Crowd; readonly ready: CrowdReport }> {
    const pids = [...this.proxyPids, this.faktoryPid, this.redisPid].join(',');
    const crowd = new Crowd(this.address, { ...flags, pids });
    this.#ends.push(this.#cleanUp.add(() => crowd.kill()));
    if (this.#placement === 'split') pin(crowd.pid, CLIENTS_CORE);
    return { crowd, ready: await crowd.report('ready') };
  }

  /** Pushes jobs past the front, many with each command. */
  async fill(jids: readonly number[], retry = 25): Promise<void> {
    await this.#directly(async (client) => {
      for (let from = 0; from < jids.length; from += JOBS_PER_PUSHB) {
        const jobs = jids.slice(from, from + JOBS_PER_PUSHB).map((jid) => {
          return { jid: jidText(jid), queue: QUEUE, jobtype: 'Bench', args: [], retry };
        });
        await ask(client, `PUSHB ${JSON.stringify(jobs)}`);
      }
    });
  }

  /** Lets everything come to rest, and empties Faktory. */
  async rest(): Promise<void> {
    await sleep(REST_MS);
    await this.#directly((client) => ask(client, 'FLUSH'));
  }

  /** A flag for a crowd that keeps a ledger; there is one for each stage. */
  get ledgerFile(): string {
    return join(this.#folder, 'ledger');
  }

  ledger(): Promise<Ledger> {
    return readLedger(this.ledgerFile);
  }

  /** What Redis holds once it has come to rest; `isComplete` tells when there is no need to wait. */
  stored(isComplete: (stored: Stored) => boolean): Promise<Stored> {
    return readStored(this.redis, isComplete);
  }

  async close(): Promise<void> {
    for (let end = this.#ends.pop(); end !== undefined; end = this.#ends.pop()) await end();
  }

  /** Faktory checks the write that makes a queue, and no later one: real queues exist already. */
  async #makeQueue(): Promise<void> {
    const seed = { jid: jidText(0), queue: QUEUE, jobtype: 'Bench', args: [] };
    await this.#directly(async (client) => {
      await ask(client, `PUSH ${JSON.stringify(seed)}`);
      await ask(client, `FETCH ${QUEUE}`);
      await ask(client, `ACK {"jid":"${seed.jid}"}`);
    });
  }

  async #directly(act: (client: RawClient) => Promise<void>): Promise<void> {
    const client = await RawClient.connect({ port: this.faktory.port, wid: 'bench-setup' });
    await act(client);
    client.end();
    await client.closed;
  }
}

async function ask(client: RawClient, line: string): Promise<void> {
  const reply = await client.command(line);
  if (reply.kind === 'error') throw new Error(`Cannot prepare Faktory: ${reply.text}`);
}

/** Faktory counts its cores when it starts: it must be where it belongs by then. */
async function placed<T>(placement: Placement, start: () => Promise<T>): Promise<T> {
  if (placement === 'shared') return start();
  pin(process.pid, SERVER_CORE);
  try {
    return await start();
  } finally {
    pin(process.pid, `${SERVER_CORE},${CLIENTS_CORE}`);
  }
}
