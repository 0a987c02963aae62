// The benchmark's side of a load process. Promise: every request is answered or fails, also when the
// process dies; `kill` ends it at once with all its connections, as a crashed machine would.

import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { AnswerMessage, Exchanges, ExchangeName } from './messages.ts';

const PROGRAM = fileURLToPath(new URL('./load-process.ts', import.meta.url));

interface Pending {
  resolve(body: unknown): void;
  reject(error: Error): void;
}

export class LoadHandle {
  readonly #child: ChildProcess;
  readonly #pending = new Map<number, Pending>();
  #lastId = 0;

  constructor() {
    this.#child = fork(PROGRAM, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.#child.on('message', (message) => this.#take(message as AnswerMessage));
    this.#child.on('error', (error) => this.#fail(error));
    this.#child.on('exit', (code, signal) => {
      this.#fail(new Error(`Cannot go on: the load process ended with ${code ?? signal}`));
    });
  }

  ask<Name extends ExchangeName>(
    name: Name,
    body: Exchanges[Name]['request'],
  ): Promise<Exchanges[Name]['answer']> {
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise<Exchanges[Name]['answer']>((resolve, reject) => {
      const settle = resolve as (body: unknown) => void;
      this.#pending.set(id, { resolve: settle, reject });
      this.#child.send({ id, name, body }, (error) => {
        if (error === null) return;
        this.#pending.delete(id);
        reject(error);
      });
    });
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
  }

  #take(message: AnswerMessage): void {
    const pending = this.#pending.get(message.id);
    if (pending === undefined) return;
    this.#pending.delete(message.id);
    if ('error' in message) pending.reject(new Error(message.error));
    else pending.resolve(message.body);
  }

  #fail(error: Error): void {
    for (const pending of this.#pending.values()) pending.reject(error);
    this.#pending.clear();
  }
}
