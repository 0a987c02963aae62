// Consumers with a queue each, and jobs for one after another. Promise: all of them wait in FETCH
// before the first job is pushed, and each job's time is measured where it was pushed.

import { setTimeout as sleep } from 'node:timers/promises';
import { RawClient } from '../../test/support/raw-client.ts';
import { replyText } from '../../test/support/reply.ts';
import type { Stage } from '../harness/stage.ts';
import type { QueuesOptions, Wids } from './queues-options.ts';

/** A FETCH lasts 2 s: by then each consumer has asked, and asked again. */
const SETTLE_MS = 3000;
const LAST_JOB_MS = 5000;
/** Coprime to most numbers of consumers: no two jobs in a row are for neighbours. */
const STRIDE = 7;

export interface QueuesStep {
  readonly pushed: number;
  /** From PUSH until the consumer had its job, in ms, in ascending order. */
  readonly tookMs: readonly number[];
}

export async function measureQueues(
  stage: Stage,
  options: QueuesOptions,
  wids: Wids,
): Promise<QueuesStep> {
  const crowd = new Consumers(stage, wids);
  const consuming = Array.from({ length: options.consumers }, (_, n) => crowd.consume(n));
  await sleep(SETTLE_MS);
  const producer = await connectTo(stage);
  const pushed = options.jobsPerSecond * options.seconds;
  const replies: Promise<unknown>[] = [];
  for (let n = 0; n < pushed; n += 1) {
    replies.push(crowd.push(producer, n, (n * STRIDE) % options.consumers));
    await sleep(1000 / options.jobsPerSecond);
  }
  await Promise.all(replies);
  for (let waited = 0; crowd.tookMs.length < pushed && waited < LAST_JOB_MS; waited += 100) {
    await sleep(100);
  }
  producer.end();
  await crowd.end(consuming);
  return { pushed, tookMs: crowd.tookMs.toSorted((a, b) => a - b) };
}

class Consumers {
  readonly tookMs: number[] = [];
  readonly #stage: Stage;
  readonly #wids: Wids;
  readonly #pushedAt = new Map<string, number>();
  #isOver = false;

  constructor(stage: Stage, wids: Wids) {
    this.#stage = stage;
    this.#wids = wids;
  }

  async consume(n: number): Promise<void> {
    const client = await connectTo(this.#stage, this.#widOf(n));
    while (!this.#isOver) {
      const text = replyText(await client.command(`FETCH queues-${n}`));
      if (text === null) continue;
      if (text.startsWith('-')) throw new Error(`Cannot FETCH: ${text}`);
      const { jid } = JSON.parse(text) as { readonly jid: string };
      this.tookMs.push(performance.now() - (this.#pushedAt.get(jid) ?? Number.NaN));
      await client.command(`ACK {"jid":"${jid}"}`);
    }
    client.end();
  }

  async push(producer: RawClient, n: number, queue: number): Promise<void> {
    const jid = `queues-job-${n}`;
    const job = { jid, jobtype: 'Bench', args: [], queue: `queues-${queue}`, retry: 0 };
    this.#pushedAt.set(jid, performance.now());
    const reply = await producer.command(`PUSH ${JSON.stringify(job)}`);
    if (reply.kind === 'error') throw new Error(`Cannot PUSH: ${reply.text}`);
  }

  async end(consuming: readonly Promise<void>[]): Promise<void> {
    this.#isOver = true;
    await Promise.all(consuming);
  }

  #widOf(n: number): string | undefined {
    if (this.#wids === 'none') return undefined;
    return this.#wids === 'each' ? `queues-worker-${n}` : 'queues-worker';
  }
}

function connectTo(stage: Stage, wid?: string): Promise<RawClient> {
  const { host, port } = stage.address;
  return RawClient.connect({ host, port, ...(wid !== undefined && { wid }) });
}
