// A bouncer as a process of its own, which a test may kill or stop, behind a wire to Redis that it may cut.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../../src/main.ts', import.meta.url));

/** Passes bytes on to a Redis on a Unix socket, unless it is cut. */
export class RedisWire {
  readonly #path: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #isCut = false;

  static async open(path: string): Promise<RedisWire> {
    const wire = new RedisWire(path);
    wire.#server.listen(0, '127.0.0.1');
    await once(wire.#server, 'listening');
    return wire;
  }

  private constructor(path: string) {
    this.#path = path;
    this.#server = createServer((near) => this.#join(near));
  }

  get url(): string {
    return `redis://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Nothing is passed on, and nothing is closed, as when packets are lost; later bytes are lost too. */
  cut(): void {
    this.#isCut = true;
  }

  join(): void {
    this.#isCut = false;
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #join(near: Socket): void {
    const far = connect(this.#path);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(from);
      from.on('data', (bytes) => {
        if (!this.#isCut) to.write(bytes);
      });
      from.on('error', () => {});
      from.on('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
    }
  }
}

export class BouncerProcess {
  readonly #environment: Record<string, string>;
  #child: ChildProcess | null = null;
  /** 0 while it does not listen. */
  port = 0;

  constructor(environment: Record<string, string>) {
    this.#environment = environment;
  }

  /** Resolves when it listens. */
  async start(): Promise<void> {
    const child = spawn(process.execPath, ['--disable-sigusr1', MAIN], {
      env: { PATH: process.env['PATH'] ?? '', ...this.#environment },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#child = child;
    let text = '';
    for await (const piece of child.stdout?.iterator({ destroyOnReturn: false }) ?? []) {
      text += String(piece);
      const listen = /"listen":"127\.0\.0\.1:(\d+)"/.exec(text)?.[1];
      if (listen === undefined) continue;
      this.port = Number(listen);
      break;
    }
    child.stdout?.resume();
    if (this.port === 0) throw new Error(`Cannot start a bouncer: ${text}`);
  }

  stop(): void {
    this.#child?.kill('SIGSTOP');
  }

  goOn(): void {
    this.#child?.kill('SIGCONT');
  }

  /** Resolves when it is gone. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.port = 0;
    this.#child = null;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }
}
