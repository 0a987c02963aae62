// A client of a house in memory. Promise: it knows what each of its commands may be answered with,
// and notes every byte that it reads beside that; what it lost by its own death is known too.

import { memoryHash } from './memory-hasher.ts';
import { replyTo } from './memory-replies.ts';
import type { MemorySocket } from './memory-socket.ts';
import { type Reply, replyText, ReplyReader } from './reply.ts';

export interface SentCommand {
  readonly verb: string;
  /** Empty for FETCH, END and what the guard must answer. */
  readonly id: string;
  readonly line: string;
  /** Of a PUSH, or a PUSHB, ACK or FAIL. */
  readonly jids: readonly string[];
  readonly queue?: string;
  /** Of a FETCH. */
  readonly queues: readonly string[];
  /** By the client's clock, ms. */
  readonly sentAt: number;
  /** Bytes that the client had written when it was. */
  readonly sentBytes: number;
  reply: string | null;
}

export interface ModelClientOptions {
  /** What it answers a challenge with; empty: it was told none. */
  readonly password?: string;
  /** Whether commands follow HELLO at once. */
  readonly isEager?: boolean;
  /** When things happen, ms. */
  readonly now?: () => number;
  /** Lines end in LF alone. */
  readonly saysBareLf?: boolean;
  /** Whether the command may be answered so, beside its own reply. */
  readonly mayRead?: (command: SentCommand, reply: string) => boolean;
  /** Hears each command that was answered: the reply's first and last byte of all that it has read. */
  readonly onAnswer?: (command: SentCommand, from: number, to: number) => void;
}

export const UNREACHABLE = '-ERR Faktory is unreachable; try again later\r\n';

export class ModelClient {
  readonly name: string;
  readonly wid: string | null;
  readonly socket: MemorySocket;
  readonly options: ModelClientOptions;
  readonly problems: string[] = [];
  /** Commands that are not answered, first sent first. */
  readonly outstanding: SentCommand[] = [];
  readonly sent: SentCommand[] = [];
  /** Jobs that it got and has said nothing about. */
  readonly held: string[] = [];
  /** Every job that it ever read. */
  readonly got: string[] = [];
  /** Bytes written with its HELLO; 0 before that. */
  helloBytes = 0;
  /** What it was asked to hash its password with; empty: nothing. */
  salt = '';
  /** What it read in place of HI or `+OK`. */
  refusal: string | null = null;
  answered = 0;
  isGone = false;
  hasEnded = false;
  /** The bouncer closed it first. */
  wasClosed = false;
  /** When that was, by the client's clock, ms. */
  closedAt = 0;
  /** It has said END, and nothing since. */
  saidEnd = false;
  readonly #reader = new ReplyReader();
  #handshake: 'HI' | 'OK' | 'done' = 'HI';
  /** Of all that it has read, what whole replies were made of. */
  #bytesTaken = 0;

  constructor(
    name: string,
    wid: string | null,
    socket: MemorySocket,
    options: ModelClientOptions = {},
  ) {
    this.name = name;
    this.wid = wid;
    this.socket = socket;
    this.options = options;
    // What it has lost by a reset would be held against the bouncer.
    socket.resetLosesBytes = false;
    socket.on('data', (bytes: Buffer) => this.#read(bytes));
    socket.on('error', () => this.#onClosed());
    socket.on('end', () => this.#onEnd());
    socket.on('close', () => (this.isGone = true));
  }

  get wasAdmitted(): boolean {
    return this.#handshake === 'done';
  }

  get hasSaidHello(): boolean {
    return this.#handshake !== 'HI';
  }

  /** Whether it may send commands now. */
  get isReady(): boolean {
    const isIn = this.options.isEager === true ? this.hasSaidHello : this.wasAdmitted;
    return isIn && !this.isGone && !this.hasEnded && !this.wasClosed && !this.saidEnd;
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
    const id = this.#nextId();
    const { jid, queue } = fields;
    const line = `${verb} ${JSON.stringify({ id, ...fields })}`;
    const jids = jid === undefined ? [] : [jid];
    this.#say({ verb, id, line, jids, ...(queue !== undefined && { queue }), queues: [] });
  }

  /** A PUSHB of its own: jobs of one queue. */
  sendBulk(jids: readonly string[], queue: string): void {
    const id = this.#nextId();
    const jobs = jids.map((jid, n) => ({ id: n === 0 ? id : `${id}.${n}`, jid, queue }));
    this.#say({ verb: 'PUSHB', id, line: `PUSHB ${JSON.stringify(jobs)}`, jids, queues: [] });
  }

  fetch(queues: readonly string[]): void {
    this.#say({ verb: 'FETCH', id: '', line: `FETCH ${queues.join(' ')}`, jids: [], queues });
  }

  /** A line that must not reach Faktory. */
  sendDeadly(line: string): void {
    this.#say({ verb: 'deadly', id: '', line, jids: [], queues: [] });
  }

  /** It will read what it has asked for, and the close. */
  sayEnd(): void {
    this.saidEnd = true;
    this.socket.write('END\r\n');
  }

  /** FIN: it may go on reading. */
  end(): void {
    this.hasEnded = true;
    this.socket.end();
  }

  reset(): void {
    this.isGone = true;
    this.socket.resetAndDestroy();
  }

  close(): void {
    this.isGone = true;
    this.socket.destroy();
  }

  /** What the bouncer has said and it has not read. */
  get unread(): string {
    return this.#reader.takeRest() + this.socket.undelivered.toString() + this.socket.lost;
  }

  #nextId(): string {
    return `${this.name}-c${this.sent.length}`;
  }

  #say(command: Omit<SentCommand, 'reply' | 'sentAt' | 'sentBytes'>): void {
    this.socket.write(`${command.line}${this.options.saysBareLf === true ? '\n' : '\r\n'}`);
    const sentBytes = this.socket.bytesWritten;
    const sent: SentCommand = { ...command, sentAt: this.#now(), sentBytes, reply: null };
    this.outstanding.push(sent);
    this.sent.push(sent);
  }

  #onEnd(): void {
    this.#onClosed();
    this.socket.end();
  }

  #onClosed(): void {
    if (this.isGone || this.wasClosed) return;
    this.wasClosed = true;
    this.closedAt = this.#now();
  }

  #now(): number {
    return this.options.now?.() ?? 0;
  }

  #read(bytes: Buffer): void {
    this.#reader.add(bytes);
    for (let reply = this.#reader.take(); reply !== undefined; reply = this.#reader.take()) {
      this.#take(reply);
    }
  }

  #take(reply: Reply): void {
    const from = this.#bytesTaken;
    this.#bytesTaken += Buffer.byteLength(wire(reply));
    if (this.wasAdmitted) this.#check(reply, from);
    else if (reply.kind === 'error') this.refusal = reply.text;
    else if (this.#handshake === 'HI') this.#sayHello(reply);
    else if (replyText(reply) === '+OK') this.#handshake = 'done';
    else this.#complain('HELLO', wire(reply));
  }

  #sayHello(hi: Reply): void {
    this.#handshake = 'OK';
    const asked = JSON.parse((replyText(hi) ?? '').slice('+HI '.length)) as {
      readonly i?: number;
      readonly s?: string;
    };
    const hello = {
      v: 2,
      hostname: this.name,
      ...(this.wid !== null && { wid: this.wid }),
      ...(asked.s !== undefined && {
        pwdhash: memoryHash((this.options.password ?? '') + asked.s, asked.i ?? 0),
      }),
    };
    this.socket.write(`HELLO ${JSON.stringify(hello)}\r\n`);
    this.helloBytes = this.socket.bytesWritten;
    this.salt = asked.s ?? '';
  }

  #check(reply: Reply, from: number): void {
    const said = wire(reply);
    const command = this.outstanding.shift();
    if (command === undefined) {
      this.#complain('nothing', said);
      return;
    }
    this.answered += 1;
    command.reply = said;
    this.options.onAnswer?.(command, from, this.#bytesTaken);
    if (this.#isDue(command, reply, said)) return;
    if (this.options.mayRead?.(command, said) === true) return;
    this.#complain(command.line.slice(0, 60), said);
  }

  #isDue(command: SentCommand, reply: Reply, said: string): boolean {
    switch (command.verb) {
      case 'FETCH':
        return this.#isDueToFetch(command, reply);
      case 'PUSHB':
        return said === '$2\r\n{}\r\n' || said === UNREACHABLE;
      case 'deadly':
        return reply.kind === 'error';
      default:
        return said === replyTo(command.verb, command) || said === UNREACHABLE;
    }
  }

  #isDueToFetch({ queues }: SentCommand, reply: Reply): boolean {
    if (reply.kind !== 'bulk') return false;
    if (reply.text === null) return true;
    const job = JSON.parse(reply.text) as { jid: string; queue: string };
    this.got.push(job.jid);
    this.held.push(job.jid);
    return queues.includes(job.queue);
  }

  #complain(asked: string, said: string): void {
    this.problems.push(`${this.name} asked ${asked} and read ${said.slice(0, 80)}`);
  }
}

function wire(reply: Reply): string {
  const text = replyText(reply);
  if (reply.kind !== 'bulk') return `${text}\r\n`;
  return text === null ? '$-1\r\n' : `$${text.length}\r\n${text}\r\n`;
}
