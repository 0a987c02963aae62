// The demo's producers: together they PUSH so many jobs per second, each on a connection of its own.

import { setTimeout as sleep } from 'node:timers/promises';
import { RawClient } from '../test/support/raw-client.ts';

export interface ProducersPlan {
  readonly port: number;
  readonly queue: string;
  readonly producers: number;
  /** All producers together. */
  readonly jobsPerSecond: number;
  readonly seconds: number;
}

export interface ProducersStatus {
  readonly refused: number;
  readonly offered: number;
  readonly acknowledged: number;
}

export class Producers {
  readonly #plan: ProducersPlan;
  #refused = 0;
  #offered = 0;
  #acknowledged = 0;

  constructor(plan: ProducersPlan) {
    this.#plan = plan;
  }

  status(): ProducersStatus {
    return { refused: this.#refused, offered: this.#offered, acknowledged: this.#acknowledged };
  }

  /** Pushes for the whole time; resolves when all have left. */
  async run(): Promise<ProducersStatus> {
    const { producers } = this.#plan;
    await Promise.all(Array.from({ length: producers }, (_, index) => this.#produce(index)));
    return this.status();
  }

  async #produce(index: number): Promise<void> {
    const { port, queue, producers, jobsPerSecond, seconds } = this.#plan;
    const client = await RawClient.connect({ port });
    if (client.helloReply?.kind !== 'status') {
      this.#refused += 1;
      client.end();
      return;
    }
    const jobs = Math.floor((jobsPerSecond * seconds) / producers);
    const beganAt = performance.now();
    for (let made = 0; made < jobs; made += 1) {
      const dueAt = beganAt + (made * producers * 1000) / jobsPerSecond;
      await sleep(Math.max(0, dueAt - performance.now()));
      this.#offered += 1;
      const job = { jid: `demo-job-${index}-${made}`, queue, jobtype: 'Demo', args: [] };
      const reply = await client.command(`PUSH ${JSON.stringify(job)}`);
      if (reply.kind === 'status') this.#acknowledged += 1;
    }
    client.send('END\r\n');
    await client.closed;
  }
}
