// One connection to the stand-in: the handshake, then one command after another, each delivered
// through the toxics. Like the real one it does not notice its client's end while it is in FETCH.

import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { passwordHash } from './raw-client.ts';
import { type Answer, text } from './stand-in-commands.ts';
import { steadyClock } from './steady-clock.ts';
import type { InjectedToxic } from './toxics.ts';
import { reset } from '../../src/base/reset.ts';

/** What a connection needs of the stand-in. */
export interface ConnectionHost {
  readonly password: string | undefined;
  readonly rounds: number;
  readonly handshakeMs: number;
  received(connection: StandInConnection, line: string): void;
  strike(on: string, connection: StandInConnection): InjectedToxic[];
  greeted(connection: StandInConnection): void;
  execute(connection: StandInConnection, line: string): Promise<Answer>;
  ended(connection: StandInConnection): void;
}

interface Hello {
  readonly wid?: unknown;
  readonly pid?: unknown;
  readonly v?: unknown;
  readonly pwdhash?: unknown;
}

export class StandInConnection {
  readonly number: number;
  readonly #socket: Socket;
  readonly #host: ConnectionHost;
  readonly #abort = new AbortController();
  readonly #lines: string[] = [];
  #unread = '';
  #wake: (() => void) | undefined;
  #hasEnded = false;
  #wid = '';

  constructor(number: number, socket: Socket, host: ConnectionHost) {
    this.number = number;
    this.#socket = socket;
    this.#host = host;
    socket.setNoDelay(true);
    socket.on('data', (bytes) => this.#read(bytes.toString('utf8')));
    socket.on('end', () => this.#noMore());
    socket.on('close', () => this.#noMore());
    socket.on('error', () => this.#noMore());
  }

  /** Empty for a producer. */
  get wid(): string {
    return this.#wid;
  }

  /** Aborted when the stand-in ends this connection. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Resolves when the connection is over, for the stand-in's part. */
  async serve(): Promise<void> {
    try {
      if (await this.#shakeHands()) await this.#serveCommands();
    } finally {
      this.#socket.destroySoon();
      this.#host.ended(this);
    }
  }

  /** Something that nobody asked for. */
  say(text: string | Uint8Array): void {
    if (this.#socket.writable) this.#socket.write(text);
  }

  /** The stand-in's own end of it, at once: FIN, or RST. */
  drop(how: 'close' | 'reset'): void {
    this.#abort.abort();
    if (how === 'reset') reset(this.#socket);
    else this.#socket.destroy();
    this.#noMore();
  }

  /** FIN, and goes on reading. */
  halfClose(): void {
    this.#socket.end();
  }

  async #shakeHands(): Promise<boolean> {
    const { password, rounds } = this.#host;
    const salt = randomBytes(8).toString('hex');
    const hi = password === undefined ? ['}'] : [',"i":', `${rounds}`, ',"s":"', salt, '"}'];
    if (!(await this.#answer('HI', async () => ['+HI {"v":2', ...hi, '\r\n']))) return false;
    const hello = await this.#nextHello();
    if (hello === undefined) return false;
    const isRight = password === undefined || this.#isRight(hello, password, salt);
    if (isRight) {
      this.#wid = text(hello.wid);
      this.#host.greeted(this);
    }
    const reply = isRight ? '+OK\r\n' : '-ERR Invalid password\r\n';
    return (await this.#answer('HELLO', async () => [reply])) && isRight;
  }

  /** Undefined if it does not come in time, or is none. */
  async #nextHello(): Promise<Hello | undefined> {
    const deadline = steadyClock.after(this.#host.handshakeMs, () => this.drop('close'));
    const line = await this.#nextLine();
    deadline.cancel();
    return line === undefined ? undefined : readHello(line);
  }

  #isRight(hello: Hello, password: string, salt: string): boolean {
    const rounds = Number(hello.v ?? 0) < 2 ? 1 : this.#host.rounds;
    return hello.pwdhash === passwordHash(password, salt, rounds);
  }

  async #serveCommands(): Promise<void> {
    for (;;) {
      const line = await this.#nextLine();
      if (line === undefined) return;
      const verb = line.split(' ', 1)[0] ?? '';
      if (!(await this.#answer(verb, () => this.#host.execute(this, line)))) return;
    }
  }

  /** Executes and delivers through the toxics; false if the connection ends here. */
  async #answer(on: string, run: () => Promise<Answer>): Promise<boolean> {
    const struck = this.#host.strike(on, this);
    for (const { toxic, lifted } of struck) {
      if (toxic.kind === 'stall') await aborted(AbortSignal.any([lifted, this.signal]));
      if (toxic.kind === 'close-before') return false;
      if (toxic.kind === 'shutdown') {
        await this.#write(['-ERR shutdown in progress\r\n'], false);
        return false;
      }
    }
    if (this.signal.aborted) return false;
    const answer = await run();
    if (answer === 'close' || answer === 'panic' || this.signal.aborted) return false;
    return this.#deliver(answer, struck);
  }

  async #deliver(pieces: readonly string[], struck: readonly InjectedToxic[]): Promise<boolean> {
    const isSplit = struck.some(({ toxic }) => toxic.kind === 'split');
    let toSay = pieces;
    for (const { toxic } of struck) {
      switch (toxic.kind) {
        case 'delay':
          await passed(toxic.delayMs, this.signal);
          break;
        case 'die-mid-reply':
          await this.#write([pieces.join('').slice(0, toxic.bytes)], isSplit);
          return false;
        case 'reset':
          this.drop('reset');
          return false;
        case 'half-close':
          this.halfClose();
          return true;
        case 'extra':
          toSay = [...toSay, toxic.text];
          break;
        case 'instead':
          toSay = [toxic.text];
          break;
        case 'stall':
        case 'split':
        case 'shutdown':
        case 'close-before':
          break;
      }
    }
    await this.#write(toSay, isSplit);
    return true;
  }

  async #write(pieces: readonly string[], isSplit: boolean): Promise<void> {
    for (const piece of pieces) {
      if (!isSplit) this.say(piece);
      else await this.#sayByteByByte(piece);
    }
  }

  async #sayByteByByte(text: string): Promise<void> {
    for (const byte of Buffer.from(text)) {
      this.say(Uint8Array.of(byte));
      await setImmediate();
    }
  }

  #read(text: string): void {
    this.#unread += text;
    const lines = this.#unread.split('\n');
    this.#unread = lines.pop() ?? '';
    for (const line of lines.map((ended) => ended.replace(/\r$/, ''))) {
      this.#lines.push(line);
      this.#host.received(this, line);
    }
    this.#wake?.();
  }

  #noMore(): void {
    this.#hasEnded = true;
    this.#wake?.();
  }

  /** Undefined when the client sends no more. */
  async #nextLine(): Promise<string | undefined> {
    while (this.#lines.length === 0 && !this.#hasEnded) {
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    return this.signal.aborted ? undefined : this.#lines.shift();
  }
}

/** Undefined for what the real one closes on without a word. */
function readHello(line: string): Hello | undefined {
  if (!line.startsWith('HELLO {')) return undefined;
  try {
    const hello = JSON.parse(line.slice('HELLO '.length)) as Hello;
    const pid = hello.pid ?? 0;
    const v = hello.v ?? 0;
    const fits = Number.isInteger(pid) && Number.isInteger(v) && Number(v) >= 0 && Number(v) <= 255;
    return fits ? hello : undefined;
  } catch {
    return undefined;
  }
}

/** Resolves after so many milliseconds, or when the signal is aborted. */
async function passed(ms: number, signal: AbortSignal): Promise<void> {
  const elapsed = Promise.withResolvers<void>();
  const timer = steadyClock.after(ms, elapsed.resolve);
  await Promise.race([elapsed.promise, aborted(signal)]);
  timer.cancel();
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
