// Producers that never rest, and the ledger of what they were told.

import { pushLine } from '../session/house.ts';
import type { RunningBouncer } from '../support/bouncer.ts';
import { askRedis } from '../support/redis.ts';

export class Producers {
  /** Jobs that were acknowledged, in order. */
  readonly acknowledged: string[] = [];
  /** Error texts, and how often each was read. */
  readonly errors = new Map<string, number>();
  readonly #bouncer: RunningBouncer;
  readonly #runs: Promise<void>[];
  #isOver = false;

  constructor(bouncer: RunningBouncer, count: number) {
    this.#bouncer = bouncer;
    this.#runs = Array.from({ length: count }, () => this.#produce());
  }

  /** Resolves when each has heard of its last PUSH. */
  async stop(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#runs);
  }

  async #produce(): Promise<void> {
    while (!this.#isOver) {
      const client = await this.#bouncer.connect();
      try {
        while (!this.#isOver) {
          const { jid, line } = pushLine({ retry: 3 });
          const reply = await client.command(line);
          if (reply.kind === 'error') {
            this.errors.set(reply.text, (this.errors.get(reply.text) ?? 0) + 1);
          } else this.acknowledged.push(jid);
        }
      } catch {
        // The connection was closed: the outcome is unknown, and the next job is another.
      }
      client.reset();
    }
  }
}

/** The jids that the queue `default` holds. */
export async function queued(redisSocket: string): Promise<Set<string>> {
  const socket = await askRedis(redisSocket, 'EVAL', JIDS, '0');
  if (socket.kind !== 'bulk' || socket.text === null) throw new Error('Cannot read the queue');
  return new Set(JSON.parse(socket.text) as string[]);
}

const JIDS = `
  local jids = {}
  for i, job in ipairs(redis.call('LRANGE', 'default', 0, -1)) do
    jids[i] = cjson.decode(job).jid
  end
  if #jids == 0 then return '[]' end
  return cjson.encode(jids)
`;
