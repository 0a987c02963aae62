// A network between two programs that a test can make bad: a TCP proxy on a port of its own. Promise: bytes
// are never changed, left out or put out of order, except that a connection may end, or fall silent.

import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import type { Test } from 'tap';
import { reset } from '../../../src/base/reset.ts';

/** What happens to every chunk, in both directions. */
export type Weather =
  | { readonly kind: 'fair' }
  /** Each chunk arrives this many milliseconds late. */
  | { readonly kind: 'delay'; readonly delayMs: number }
  /** So many bytes a second for each connection and direction. */
  | { readonly kind: 'throttle'; readonly bytesPerSecond: number }
  /** Each byte is a write, in a turn, of its own. */
  | { readonly kind: 'split' }
  /** Connections are accepted, and nothing passes until the weather changes. */
  | { readonly kind: 'silence' };

const FAIR: Weather = { kind: 'fair' };
/** Beyond this the sender is not read. */
const QUEUED_BYTES_MAX = 64 * 1024;
const THROTTLE_STEP_MS = 10;

export class BadNetwork {
  readonly #target: number;
  readonly #server: Server;
  readonly #links = new Set<Link>();
  #weather: Weather = FAIR;
  #weatherChanged = Promise.withResolvers<void>();
  /** The next so many replies are cut in the middle. */
  #cutsLeft = 0;

  /** In front of the port `target` of this machine. Gone when the test is over. */
  static async start(t: Pick<Test, 'teardown'>, target: number): Promise<BadNetwork> {
    const network = new BadNetwork(target);
    network.#server.listen(0, '127.0.0.1');
    await once(network.#server, 'listening');
    t.teardown(() => network.stop());
    return network;
  }

  private constructor(target: number) {
    this.#target = target;
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => this.#link(near));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get connections(): number {
    return this.#links.size;
  }

  get weather(): Weather {
    return this.#weather;
  }

  /** From now on, for all connections. */
  become(weather: Weather): void {
    this.#weather = weather;
    this.#weatherChanged.resolve();
    this.#weatherChanged = Promise.withResolvers();
  }

  /** Resolves when the weather is another. */
  get weatherChange(): Promise<void> {
    return this.#weatherChanged.promise;
  }

  /** Ends every connection, on both sides. */
  cut(how: 'fin' | 'reset'): void {
    for (const link of this.#links) link.end(how);
  }

  /** The connections that exist say nothing more, for ever, and stay open. New ones are as before. */
  loseAll(): void {
    for (const link of this.#links) link.isLost = true;
  }

  /** The next `count` replies arrive as far as their middle, and their connections are reset then. */
  cutReplies(count: number): void {
    this.#cutsLeft = count;
  }

  /** How many of them are left to cut. */
  get cutsLeft(): number {
    return this.#cutsLeft;
  }

  /** Whether the reply that passes now is one to cut. */
  takeCut(): boolean {
    if (this.#cutsLeft === 0) return false;
    this.#cutsLeft -= 1;
    return true;
  }

  /** No connection is accepted from now on, and none is left. */
  stop(): void {
    this.#server.close();
    this.cut('reset');
    this.become(FAIR);
  }

  #link(near: Socket): void {
    const far = connect({
      host: '127.0.0.1',
      port: this.#target,
      allowHalfOpen: true,
      noDelay: true,
    });
    const link = new Link(this, near, far);
    this.#links.add(link);
    const over = (): void => {
      if (near.destroyed && far.destroyed) this.#links.delete(link);
    };
    near.on('close', over);
    far.on('close', over);
  }
}

/** One connection, in its two halves. */
class Link {
  readonly #near: Socket;
  readonly #far: Socket;
  isLost = false;

  constructor(network: BadNetwork, near: Socket, far: Socket) {
    this.#near = near;
    this.#far = far;
    for (const socket of [near, far]) {
      socket.on('error', () => this.#fail());
      socket.on('close', () => {
        // Behind what is still on its way.
        if (!this.isLost) setImmediate(() => this.#closeOther(socket));
      });
    }
    void this.#pass(network, { from: near, to: far, isReply: false });
    void this.#pass(network, { from: far, to: near, isReply: true });
  }

  end(how: 'fin' | 'reset'): void {
    for (const socket of [this.#near, this.#far]) {
      if (how === 'reset') reset(socket);
      else socket.destroySoon();
    }
  }

  #fail(): void {
    if (!this.isLost) this.end('reset');
  }

  #closeOther(socket: Socket): void {
    const other = socket === this.#near ? this.#far : this.#near;
    if (!other.destroyed) other.destroySoon();
  }

  async #pass(
    network: BadNetwork,
    { from, to, isReply }: { from: Socket; to: Socket; isReply: boolean },
  ): Promise<void> {
    const queue = new Chunks(from);
    for (let chunk = await queue.next(); chunk !== null; chunk = await queue.next()) {
      while (network.weather.kind === 'silence') await network.weatherChange;
      if (this.isLost) continue;
      if (isReply && chunk.length > 1 && network.takeCut()) {
        to.write(chunk.subarray(0, Math.floor(chunk.length / 2)), () => this.end('reset'));
        return;
      }
      await send(to, chunk, network.weather);
    }
    if (!this.isLost) to.end();
  }
}

async function send(to: Socket, chunk: Buffer, weather: Weather): Promise<void> {
  switch (weather.kind) {
    case 'fair':
    case 'silence':
      break;
    case 'delay':
      await sleep(weather.delayMs);
      break;
    case 'split':
      for (const byte of chunk.subarray(0, -1)) {
        to.write(Buffer.of(byte));
        await nextTurn();
      }
      to.write(chunk.subarray(-1));
      return;
    case 'throttle': {
      const step = Math.max(1, Math.floor((weather.bytesPerSecond * THROTTLE_STEP_MS) / 1000));
      for (let at = 0; at < chunk.length; at += step) {
        to.write(chunk.subarray(at, at + step));
        await sleep(THROTTLE_STEP_MS);
      }
      return;
    }
  }
  if (!to.write(chunk) && !to.destroyed) {
    await Promise.race([once(to, 'drain'), once(to, 'close')]).catch(() => undefined);
  }
}

/** What a socket brings, one chunk after another. */
class Chunks {
  readonly #from: Socket;
  #queued: Buffer[] = [];
  #bytes = 0;
  #isOver = false;
  #awake = Promise.withResolvers<void>();

  constructor(from: Socket) {
    this.#from = from;
    from.on('data', (chunk: Buffer) => {
      this.#queued.push(chunk);
      this.#bytes += chunk.length;
      if (this.#bytes >= QUEUED_BYTES_MAX) from.pause();
      this.#wake();
    });
    const over = (): void => {
      this.#isOver = true;
      this.#wake();
    };
    from.on('end', over);
    from.on('close', over);
  }

  /** All that has come since the last call; null behind the last. */
  async next(): Promise<Buffer | null> {
    while (this.#queued.length === 0) {
      if (this.#isOver) return null;
      await this.#awake.promise;
    }
    const chunk = Buffer.concat(this.#queued);
    this.#queued = [];
    this.#bytes = 0;
    this.#from.resume();
    return chunk;
  }

  #wake(): void {
    this.#awake.resolve();
    this.#awake = Promise.withResolvers();
  }
}
