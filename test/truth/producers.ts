// Producers that never rest, and the ledger of what they were told.

import { pushLine } from '../session/house.ts';
import type { RunningBouncer } from '../support/bouncer.ts';
import type { RawClient } from '../support/raw-client.ts';
import { storedJobs } from '../support/held-jobs.ts';

/** What a PUSH rightly reads where a busy machine lets Faktory or its Redis stand for 3 s and more. */
const OF_A_PAUSE = /^ERR Faktory took longer than its Redis timeout/;

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

  /** Whether a PUSH has read that it took so long. */
  get sawPause(): boolean {
    return [...this.errors.keys()].some((text) => OF_A_PAUSE.test(text));
  }

  /** The error texts that no pause of the machine explains. */
  get faults(): string[] {
    return [...this.errors.keys()].filter((text) => !OF_A_PAUSE.test(text));
  }

  /** Resolves when each has heard of its last PUSH. */
  async stop(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#runs);
  }

  async #produce(): Promise<void> {
    while (!this.#isOver) {
      let client: RawClient | null = null;
      try {
        client = await this.#bouncer.connect();
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
      client?.reset();
    }
  }
}

/** The jids that the queue `default` holds, and those of jobs that were given back. */
export async function queued(redisSocket: string): Promise<Set<string>> {
  const stored = await storedJobs(redisSocket);
  return new Set(
    stored
      .filter(({ where }) => where === 'queued' || where === 'retries')
      .map(({ text }) => (JSON.parse(text) as { readonly jid: string }).jid),
  );
}
