// One process that serves clients, as the parent process holds it. Promise: it has started when it listens;
// each question has an answer, or null when none came in time; its end is told once.

import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Address } from '../base/address.ts';
import type { Clock } from '../base/clock.ts';
import type { LeaseReply, LeaseRequest } from '../sharing/lease.ts';
import { eachLine } from './each-line.ts';
import type { Answers, Orders, Question, ToChild, ToParent } from './messages.ts';

/** How a process has ended: one of the two is not null. */
export interface End {
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** What it said it could not do; null: it said nothing. */
  readonly text: string | null;
}

export interface ChildParts {
  readonly clock: Clock;
  /** The file that runs there. */
  readonly entry: URL;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly orders: Omit<Orders, 'givenFd'>;
  /** A listening socket of this process, which the other inherits; null: there is none. */
  readonly givenFd: number | null;
  readonly lend: (request: LeaseRequest) => LeaseReply;
  readonly onListening: (listen: Address) => void;
  readonly onEnd: (end: End) => void;
  /** A line of its log, with its end. */
  readonly onLine: (line: string) => void;
}

/** Behind standard input, output, error and the channel. */
const INHERITED_FD = 4;
/** For an answer; a process that needs longer is busy with other things than its clients. */
const ANSWER_MS = 2000;
/** What the service manager says to this process alone. */
const OWN_VARIABLES = [
  'NOTIFY_SOCKET',
  'WATCHDOG_USEC',
  'WATCHDOG_PID',
  'LISTEN_PID',
  'LISTEN_FDS',
];

export class Child {
  readonly index: number;
  readonly #parts: ChildParts;
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, (answer: unknown) => void>();
  #asked = 0;
  #isListening = false;
  #hasEnded = false;
  #failure: string | null = null;

  constructor(parts: ChildParts) {
    const { entry, environment, givenFd, orders } = parts;
    this.index = orders.index;
    this.#parts = parts;
    const inherited = givenFd === null ? [] : [givenFd];
    const child = fork(fileURLToPath(entry), [], {
      env: without(environment, OWN_VARIABLES),
      // As main.ts sets it; a debugger's port cannot be shared.
      execArgv: [
        ...process.execArgv.filter((flag) => !flag.startsWith('--inspect')),
        '--semi-space-growth-factor=1',
      ],
      serialization: 'advanced',
      // Not its parent's: who starts or ends with a socket there makes writes to it sleep, in all processes.
      stdio: ['ignore', 'pipe', 'pipe', 'ipc', ...inherited],
    });
    this.#process = child;
    if (child.stdout !== null) eachLine(child.stdout, (line) => parts.onLine(`${line}\n`));
    child.stderr?.on('data', (text: Buffer) => process.stderr.write(text));
    child.on('message', (message: ToParent) => this.#heard(message));
    // A process that cannot be started has an error and no exit.
    child.on('error', (error) => {
      this.#failure ??= error.message;
      if (child.pid === undefined) this.#ended(null, null);
    });
    // Once all that it has said is here.
    child.on('close', (exitCode, signal) => this.#ended(exitCode, signal));
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /** Whether it serves clients. */
  get isListening(): boolean {
    return this.#isListening;
  }

  /** It stops in good order; idempotent there. */
  drain(reason: string): void {
    this.#tell({ kind: 'drain', reason });
  }

  kill(): void {
    this.#process.kill('SIGKILL');
  }

  /** Resolves with null if the process does not answer, or ends. */
  ask<Kind extends keyof Answers>(
    question: Question & { readonly kind: Kind },
  ): Promise<Answers[Kind] | null> {
    if (!this.#isListening || this.#hasEnded) return Promise.resolve(null);
    this.#asked += 1;
    const number = this.#asked;
    return new Promise((resolve) => {
      const finish = (answer: unknown): void => {
        this.#waiting.delete(number);
        timer.cancel();
        resolve(answer as Answers[Kind] | null);
      };
      const timer = this.#parts.clock.after(ANSWER_MS, () => finish(null));
      this.#waiting.set(number, finish);
      this.#tell({ kind: 'ask', number, question });
    });
  }

  #heard(message: ToParent): void {
    switch (message.kind) {
      case 'here': {
        const { orders, givenFd } = this.#parts;
        const fd = givenFd === null ? null : INHERITED_FD;
        return this.#tell({ kind: 'start', orders: { ...orders, givenFd: fd } });
      }
      case 'listening':
        this.#isListening = true;
        return this.#parts.onListening(message.listen);
      case 'failed':
        this.#failure = message.text;
        return;
      case 'lease': {
        const { number, request } = message;
        return this.#tell({ kind: 'lent', number, reply: this.#parts.lend(request) });
      }
      case 'answer':
        this.#waiting.get(message.number)?.(message.answer);
    }
  }

  /** A process that ends meanwhile hears nothing, and its end is told. */
  #tell(message: ToChild): void {
    if (this.#process.connected) this.#process.send(message, () => {});
  }

  #ended(exitCode: number | null, signal: string | null): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#isListening = false;
    for (const finish of [...this.#waiting.values()]) finish(null);
    this.#parts.onEnd({ exitCode, signal, text: this.#failure });
  }
}

function without(
  environment: ChildParts['environment'],
  names: readonly string[],
): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !names.includes(name)));
}
