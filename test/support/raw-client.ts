// A client connection that a test holds in its hands: says what it is told, byte for byte,
// and waits for nothing longer than its bound. What it heard is in every failure's text.

import { createHash } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { connect as tlsConnect, type ConnectionOptions } from 'node:tls';
import { type Reply, ReplyReader } from './reply.ts';
import { HANGS_MS, within } from './waiting.ts';
import { reset } from '../../src/base/reset.ts';

export interface RawClientOptions {
  readonly port: number;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** The address to connect from. Default: the system picks. */
  readonly from?: string;
  /** Sent before everything else: a PROXY header. */
  readonly first?: Uint8Array | string;
  /** Speaks TLS, behind `first`. */
  readonly tls?: ConnectionOptions;
  /** Goes into HELLO: a worker's connection. Without it, a producer's. */
  readonly wid?: string;
  readonly password?: string;
  /** An object: HELLO's JSON in full (pwdhash is added to it). A string: sent as the HELLO line. */
  readonly hello?: object | string;
  /** Connects only: HI is left to `readReply`. */
  readonly skipHandshake?: boolean;
  /** Bound of every wait in milliseconds. Default `HANGS_MS`. */
  readonly boundMs?: number;
}

interface Waiter {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: Error) => void;
}

export class RawClient {
  /** Resolves when the socket is closed on both sides, however that came. */
  readonly closed: Promise<void>;
  readonly #raw: Socket;
  readonly #readyEvent: 'connect' | 'secureConnect';
  readonly #socket: Socket;
  readonly #boundMs: number;
  readonly #reader = new ReplyReader();
  readonly #waiters: Waiter[] = [];
  #heard = '';
  #isClosed = false;
  #error: Error | undefined;
  #hi: Reply | undefined;
  #helloReply: Reply | undefined;

  /** Resolves when HELLO was answered, be it with a refusal; rejects when nothing was. */
  static async connect(options: RawClientOptions): Promise<RawClient> {
    const socket = connect({
      host: options.host ?? '127.0.0.1',
      port: options.port,
      noDelay: true,
      ...(options.from !== undefined && { localAddress: options.from }),
    });
    if (options.first !== undefined) socket.write(options.first);
    const client = new RawClient(socket, options.boundMs ?? HANGS_MS, options.tls);
    try {
      await client.#connected();
      if (options.skipHandshake !== true) await client.#shakeHands(options);
    } catch (error) {
      socket.destroy();
      throw error;
    }
    return client;
  }

  constructor(raw: Socket, boundMs: number, tls?: ConnectionOptions) {
    const socket = tls === undefined ? raw : tlsConnect({ ...tls, socket: raw });
    this.#raw = raw;
    this.#readyEvent = tls === undefined ? 'connect' : 'secureConnect';
    this.#socket = socket;
    this.#boundMs = boundMs;
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.#isClosed = true;
        this.#pump();
        resolve();
      });
    });
    socket.on('error', (error) => (this.#error = error));
    socket.on('data', (bytes) => {
      this.#heard += bytes.toString('utf8');
      this.#reader.add(bytes);
      this.#pump();
    });
  }

  /** What came first: `+HI …`, or the refusal in its place. */
  get hi(): Reply | undefined {
    return this.#hi;
  }

  /** What HELLO was answered with, or the refusal that came in place of HI. */
  get helloReply(): Reply | undefined {
    return this.#helloReply;
  }

  /** Everything that was read so far, HI included. */
  get heard(): string {
    return this.#heard;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** The connection's own port: by it a server's log or a snapshot names this client. */
  get localPort(): number | undefined {
    return this.#socket.localPort;
  }

  /** Sends the text as it is; line ends are the caller's. */
  send(text: string | Uint8Array): void {
    this.#socket.write(text);
  }

  /** Sends one line and waits for the reply that is next in turn. */
  command(line: string): Promise<Reply> {
    this.send(`${line}\r\n`);
    return this.readReply(`the reply to ${line}`);
  }

  /** The next reply nobody waits for yet. Calls are served in their order. */
  readReply(what = 'a reply'): Promise<Reply> {
    const reply = new Promise<Reply>((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
    });
    this.#pump();
    return within(reply, this.#boundMs, () => `${what}; ${this.#heardText()}`);
  }

  /** What is still unread when the peer has closed. */
  async readUntilClose(): Promise<string> {
    await within(this.closed, this.#boundMs, () => `the peer's close; ${this.#heardText()}`);
    return this.#reader.takeRest();
  }

  /** Stops reading, so that the peer's writes pile up. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** FIN: says that nothing more comes, and goes on reading until the peer closes too. */
  end(): void {
    this.#socket.end();
  }

  /** RST. */
  reset(): void {
    reset(this.#raw);
  }

  async #connected(): Promise<void> {
    const connected = new Promise<void>((resolve, reject) => {
      this.#socket.once(this.#readyEvent, resolve);
      this.#socket.once('error', reject);
    });
    await within(connected, this.#boundMs, () => `a connection (${this.#readyEvent})`);
  }

  async #shakeHands(options: RawClientOptions): Promise<void> {
    this.#hi = await this.readReply('HI');
    if (this.#hi.kind !== 'status') {
      this.#helloReply = this.#hi;
      return;
    }
    this.#helloReply = await this.command(helloLine(this.#hi.text, options));
  }

  #pump(): void {
    while (this.#waiters.length > 0) {
      const outcome = this.#takeReply();
      if (outcome === undefined) return;
      const waiter = this.#waiters.shift();
      if (outcome instanceof Error) waiter?.reject(outcome);
      else waiter?.resolve(outcome);
    }
  }

  #takeReply(): Reply | Error | undefined {
    try {
      const reply = this.#reader.take();
      if (reply !== undefined) return reply;
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
    if (!this.#isClosed) return undefined;
    const cause = this.#error === undefined ? '' : ` (${this.#error.message})`;
    return new Error(`Cannot read a reply: connection closed${cause}; ${this.#heardText()}`);
  }

  #heardText(): string {
    return `heard ${JSON.stringify(this.#heard.slice(-500))}`;
  }
}

/** Hex of `rounds` rounds of SHA-256, each over the raw digest of the last. */
export function passwordHash(password: string, salt: string, rounds: number): string {
  let digest = createHash('sha256')
    .update(password + salt)
    .digest();
  for (let round = 1; round < rounds; round += 1) {
    digest = createHash('sha256').update(digest).digest();
  }
  return digest.toString('hex');
}

function helloLine(hi: string, options: RawClientOptions): string {
  if (typeof options.hello === 'string') return options.hello;
  const hello: Record<string, unknown> = { ...(options.hello ?? defaultHello(options.wid)) };
  const { s, i } = JSON.parse(hi.slice('HI '.length)) as { s?: string; i?: number };
  if (options.password !== undefined && s !== undefined) {
    hello['pwdhash'] = passwordHash(options.password, s, hello['v'] === 1 ? 1 : (i ?? 1));
  }
  return `HELLO ${JSON.stringify(hello)}`;
}

function defaultHello(wid: string | undefined): object {
  const hello = { v: 2, hostname: 'test', pid: process.pid, labels: ['test'] };
  return wid === undefined ? hello : { ...hello, wid };
}
