// A FETCH that asks to be sent, and remembers what became of it.

import type { LoneTicket } from '../../src/lanes/fetch-governor.ts';

export class Ticket implements LoneTicket {
  readonly worker: string | null;
  readonly name: string;
  readonly #queues: readonly string[];
  readonly #onGranted: (ticket: Ticket) => void;
  grants = 0;
  readonly answers: string[] = [];

  constructor(
    worker: string | null,
    name = '',
    queues: readonly string[] = ['default'],
    onGranted: (ticket: Ticket) => void = () => {},
  ) {
    this.worker = worker;
    this.name = name;
    this.#queues = queues;
    this.#onGranted = onGranted;
  }

  queues(): readonly string[] {
    return this.#queues;
  }

  granted(): void {
    this.grants += 1;
    this.#onGranted(this);
  }

  late(): boolean {
    this.answers.push('late');
    return true;
  }

  answered(reply: Buffer): void {
    this.answers.push(reply.toString());
  }
}
