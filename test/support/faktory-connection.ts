// One connection of a Faktory in memory, as Faktory sees it. Promise: lines come out whole and in
// order; which of its replies the bouncer has read is known to the byte.

import type { MemorySocket } from './memory-socket.ts';

/** What the connection says of itself. */
export interface SaidHello {
  readonly wid: string;
  readonly hostname: string;
}

interface Said {
  readonly endsAt: number;
  readonly answers: Answers;
}

/** What a reply is about: ids of commands, or the job that it holds. */
export interface Answers {
  readonly ids?: readonly string[];
  readonly jid?: string;
}

/** The bouncer's end was closed, by FIN or otherwise: Faktory comes to it after what came before. */
export const END_OF_INPUT = '(end)';

export class FaktoryConnection {
  readonly number: number;
  readonly salt: string;
  /** Faktory's end. */
  readonly socket: MemorySocket;
  readonly lines: string[] = [];
  hello: SaidHello | null = null;
  /** Bytes written when `+OK` to HELLO was; null before. */
  #openAt: number | null = null;
  /** A FETCH that waits for a job. */
  blocked: { readonly queues: readonly string[]; cancel(): void } | null = null;
  /** A command that Faktory works on. */
  working: { readonly line: string; cancel(): void } | null = null;
  /** Nothing passes between here and the bouncer, in either direction. */
  isSilent = false;
  /** It has been, so that the bouncer may have given it up. */
  wasSilent = false;
  /** Its commands are executed, and the replies reach nobody. */
  isMute = false;
  readonly #replies: Said[] = [];
  #unread = '';
  #written = 0;

  constructor(number: number, socket: MemorySocket) {
    this.number = number;
    this.salt = `salt${number}`;
    this.socket = socket;
    socket.allowHalfOpen = true;
    socket.on('data', (bytes: Buffer) => this.#read(bytes));
    socket.on('end', () => this.lines.push(END_OF_INPUT));
  }

  /** Empty for a producer, null before HELLO. */
  get wid(): string | null {
    return this.hello?.wid ?? null;
  }

  /** Whether Faktory has something to do for it. */
  get isBusy(): boolean {
    const waits = this.blocked === null && this.working === null && !this.isSilent;
    return waits && this.lines.length > 0;
  }

  /** Whether the bouncer's end still exists. */
  get isHeld(): boolean {
    return this.socket.peer?.destroyed === false;
  }

  /** Whether the bouncer has read `+OK`. */
  get isOpen(): boolean {
    return this.#openAt !== null && this.#bytesRead >= this.#openAt;
  }

  open(hello: SaidHello): void {
    this.hello = hello;
    this.say('+OK\r\n');
    this.#openAt = this.#written;
  }

  say(text: string, answers: Answers = {}): void {
    if (this.isMute) return;
    this.#written += Buffer.byteLength(text);
    this.#replies.push({ answers, endsAt: this.#written });
    this.socket.write(text);
  }

  /** What its replies are about that the bouncer has not read. */
  unread(): readonly Answers[] {
    const read = this.#bytesRead;
    return this.#replies.filter(({ endsAt }) => endsAt > read).map(({ answers }) => answers);
  }

  /** What has come, or is on its way, and has not been executed. */
  unexecuted(): string {
    const onItsWay = this.socket.undelivered.toString('latin1');
    return [this.working?.line ?? '', ...this.lines, this.#unread, onItsWay].join('');
  }

  get #bytesRead(): number {
    return this.socket.peer?.bytesRead ?? 0;
  }

  #read(bytes: Buffer): void {
    const lines = (this.#unread + bytes.toString('latin1')).split('\n');
    this.#unread = lines.pop() ?? '';
    for (const line of lines) this.lines.push(line.endsWith('\r') ? line.slice(0, -1) : line);
  }
}
