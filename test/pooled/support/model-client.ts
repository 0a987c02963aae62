// A client of the model. Promise: it knows what each of its commands may be answered with, and
// notes every byte that it reads beside that; what it lost by its own death is known too.

import { type Reply, replyText, ReplyReader } from '../../support/reply.ts';
import { replyTo } from './memory-faktory.ts';
import type { MemorySocket } from './memory-socket.ts';

export interface SentCommand {
  readonly verb: string;
  readonly id: string;
  readonly jid: string | null;
  /** Of a PUSH. */
  readonly queue?: string;
  readonly queues: readonly string[];
}

/** The bouncer's own answers to a command that Faktory has not seen. */
const NOT_SENT = /^-ERR Faktory (?:is unreachable|does not answer)/;
/** Its answer where nobody knows whether a job is stored. */
const LATE = /^-ERR Faktory took longer than its Redis timeout/;

export class ModelClient {
  readonly name: string;
  readonly wid: string | null;
  readonly problems: string[] = [];
  /** Commands that are not answered, first sent first. */
  readonly outstanding: SentCommand[] = [];
  /** Jobs that it got and has said nothing about. */
  readonly held: string[] = [];
  /** Every job that it ever read. */
  readonly got: string[] = [];
  readonly acknowledgedPushes: string[] = [];
  readonly refusedPushes: string[] = [];
  readonly #socket: MemorySocket;
  readonly #reader = new ReplyReader();
  #handshake: 'HI' | 'OK' | 'done' = 'HI';
  readonly sent: SentCommand[] = [];
  answered = 0;
  isGone = false;
  hasEnded = false;
  /** Its last reply was a refusal: of its first command, for which it has no place, or of one not sent. */
  wasRefused = false;
  /** Commands that were refused so: they must not have been executed. */
  readonly refusedIds: string[] = [];
  /** The bouncer closed it first. */
  wasClosed = false;

  constructor(name: string, wid: string | null, socket: MemorySocket) {
    this.name = name;
    this.wid = wid;
    this.#socket = socket;
    socket.on('data', (bytes: Buffer) => this.#read(bytes));
    socket.on('error', () => {});
    socket.on('end', () => this.#onEnd());
    socket.on('close', () => (this.isGone = true));
  }

  get wasAdmitted(): boolean {
    return this.#handshake === 'done';
  }

  get isReady(): boolean {
    return this.#handshake === 'done' && !this.isGone && !this.hasEnded && !this.wasClosed;
  }

  /** Sends a command; `fields` are the payload's beside its id. */
  send(
    verb: string,
    fields: {
      readonly jid?: string;
      readonly queue?: string;
      readonly wid?: string;
      readonly args?: readonly string[];
    } = {},
  ): void {
    const id = `${this.name}-c${this.sent.length}`;
    const queue = fields.queue ?? '';
    this.#note({ verb, id, jid: fields.jid ?? null, queue, queues: [] });
    this.#socket.write(`${verb} ${JSON.stringify({ id, ...fields })}\r\n`);
  }

  fetch(queues: readonly string[]): void {
    this.#note({ verb: 'FETCH', id: '', jid: null, queues });
    this.#socket.write(`FETCH ${queues.join(' ')}\r\n`);
  }

  /** FIN: it may go on reading. */
  end(): void {
    this.hasEnded = true;
    this.#socket.end();
  }

  reset(): void {
    this.isGone = true;
    this.#socket.resetAndDestroy();
  }

  close(): void {
    this.isGone = true;
    this.#socket.destroy();
  }

  /** What the bouncer has said and it has not read. */
  get unread(): string {
    const socket = this.#socket;
    return this.#reader.takeRest() + socket.undelivered.toString() + socket.lost;
  }

  #note(command: SentCommand): void {
    this.outstanding.push(command);
    this.sent.push(command);
  }

  #onEnd(): void {
    if (!this.hasEnded) this.wasClosed = true;
    this.#socket.end();
  }

  #read(bytes: Buffer): void {
    this.#reader.add(bytes);
    for (let reply = this.#reader.take(); reply !== undefined; reply = this.#reader.take()) {
      this.#take(reply);
    }
  }

  #take(reply: Reply): void {
    if (this.#handshake === 'HI') {
      this.#handshake = 'OK';
      const hello = this.wid === null ? { v: 2 } : { v: 2, wid: this.wid };
      this.#socket.write(`HELLO ${JSON.stringify(hello)}\r\n`);
    } else if (this.#handshake === 'OK') {
      if (replyText(reply) === '+OK') this.#handshake = 'done';
      else if (reply.kind !== 'error') this.#complain('HELLO', reply);
    } else {
      this.#check(reply);
    }
  }

  #check(reply: Reply): void {
    const command = this.outstanding.shift();
    if (command === undefined) {
      this.#complain('nothing', reply);
      return;
    }
    this.answered += 1;
    const { verb, id, jid, queue = '' } = command;
    const text = replyText(reply) ?? '';
    this.wasRefused = isRefusal(text);
    if (this.wasRefused) {
      if (text.startsWith('-ERR too many')) this.refusedIds.push(id);
      if (verb === 'PUSH' && jid !== null) this.refusedPushes.push(jid);
      return;
    }
    if (verb === 'FETCH') {
      this.#checkFetch(command, reply);
      return;
    }
    const said = wire(reply);
    const due = replyTo(verb, { id, queue });
    if (verb === 'PUSH' && LATE.test(said)) return;
    if (verb === 'PUSH' && jid !== null) {
      if (said === '+OK\r\n') this.acknowledgedPushes.push(jid);
      else this.refusedPushes.push(jid);
    }
    if (said !== due && !NOT_SENT.test(said)) this.#complain(`${verb} ${id}`, reply);
  }

  #checkFetch({ queues }: SentCommand, reply: Reply): void {
    if (reply.kind !== 'bulk') {
      this.#complain('FETCH', reply);
      return;
    }
    if (reply.text === null) return;
    const job = JSON.parse(reply.text) as { jid: string; queue: string };
    if (!queues.includes(job.queue)) this.#complain(`FETCH ${queues.join(' ')}`, reply);
    this.got.push(job.jid);
    this.held.push(job.jid);
  }

  #complain(asked: string, reply: Reply): void {
    const said = replyText(reply);
    this.problems.push(`${this.name} asked ${asked} and read ${said?.slice(0, 80)}`);
  }
}

function isRefusal(said: string): boolean {
  return /^-ERR (?:too many connections: |Faktory is unreachable)/.test(said);
}

function wire(reply: Reply): string {
  const text = replyText(reply) ?? '';
  return reply.kind === 'bulk' ? `$${text.length}\r\n${text}\r\n` : `${text}\r\n`;
}
