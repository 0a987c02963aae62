// The parent process, as a process that serves clients sees it: orders, questions, and places that are lent.
// Promise: each request for places has one outcome, in time; what is told is read at the moment of the question.

import type { Operated } from '../admin/operated.ts';
import type { Readiness } from '../admin/route.ts';
import type { Clock } from '../base/clock.ts';
import type { Config } from '../config/config.ts';
import { figuresOf } from '../observe/merge-counts.ts';
import type { Metrics } from '../observe/prometheus.ts';
import type { LeasePort, LeaseReply, LeaseRequest } from '../sharing/lease.ts';
import type { Answers, Orders, Question, ToChild, ToParent } from './messages.ts';

/** The process that this runs in. */
export interface Channel {
  send?(message: ToParent, done: (error: Error | null) => void): boolean;
  on(event: 'message', heard: (message: ToChild) => void): unknown;
  on(event: 'disconnect', heard: () => void): unknown;
}

export interface ParentListener {
  onOrders(orders: Orders): void;
  onDrain(reason: string): void;
  /** A configuration that was checked is to be in force. */
  onReload(config: Config): void;
  /** The parent is gone: no process can tell this one what to do any more. */
  onGone(): void;
}

/** What questions are answered from. */
export interface Told {
  readonly operated: Operated;
  readonly readiness: () => Readiness;
  readonly metrics: Metrics;
  readonly clock: Pick<Clock, 'now'>;
}

export class ParentLink implements LeasePort {
  readonly #channel: Channel;
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #listener: ParentListener;
  readonly #leases = new Map<number, (reply: LeaseReply) => void>();
  #asked = 0;
  #told: Told | null = null;

  /** `timeoutMs`: for an answer to a request for places. */
  constructor(parts: {
    readonly channel: Channel;
    readonly clock: Clock;
    readonly timeoutMs: number;
    readonly listener: ParentListener;
  }) {
    const { channel, clock, timeoutMs, listener } = parts;
    this.#channel = channel;
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    this.#listener = listener;
    channel.on('message', (message) => this.#heard(message));
    channel.on('disconnect', () => listener.onGone());
    this.tell({ kind: 'here' });
  }

  /** From now on questions are answered. */
  answerFrom(told: Told): void {
    this.#told = told;
  }

  /** `done` is called when the message is on its way; a parent that is gone is told by `onGone`. */
  tell(message: ToParent, done: () => void = () => {}): void {
    this.#channel.send?.(message, done);
  }

  send(request: LeaseRequest, done: (reply: LeaseReply | null) => void): void {
    this.#asked += 1;
    const number = this.#asked;
    const timer = this.#clock.after(this.#timeoutMs, () => {
      this.#leases.delete(number);
      done(null);
    });
    this.#leases.set(number, (reply) => {
      this.#leases.delete(number);
      timer.cancel();
      done(reply);
    });
    this.tell({ kind: 'lease', number, request });
  }

  #heard(message: ToChild): void {
    switch (message.kind) {
      case 'start':
        return this.#listener.onOrders(message.orders);
      case 'drain':
        return this.#listener.onDrain(message.reason);
      case 'lent':
        this.#leases.get(message.number)?.(message.reply);
        return;
      case 'ask': {
        const told = this.#told;
        if (told !== null) void this.#answer(message.number, message.question, told);
      }
    }
  }

  async #answer(number: number, question: Question, told: Told): Promise<void> {
    const answer = await this.#answerTo(question, told);
    this.tell({ kind: 'answer', number, answer });
  }

  async #answerTo(question: Question, told: Told): Promise<Answers[keyof Answers]> {
    const { operated, readiness, metrics, clock } = told;
    switch (question.kind) {
      case 'look':
        return {
          own: await metrics.ownProcess(),
          figures: figuresOf(operated.counts),
          snapshot: operated.snapshot(),
          readiness: readiness(),
        };
      case 'rows':
        return {
          now: clock.now(),
          clients: [...operated.clientFacts()],
          servers: [...operated.serverFacts()],
        };
      case 'pause':
        await (question.isPaused ? operated.pausing?.pause() : operated.pausing?.resume());
        return 'done';
      case 'reload':
        this.#listener.onReload(question.config);
        return 'done';
      case 'disconnect':
        return operated.disconnect(question.choice);
    }
  }
}
