// More clients than places: each connects to one of several ports, FETCHes from an idle queue as long as it may,
// and comes back when it was refused or closed.

import { connect, type Socket } from 'node:net';

export class Crowd {
  readonly #ports: () => readonly number[];
  readonly #sockets = new Set<Socket>();
  #isOver = false;

  /** `ports` are asked for at each connect; empty: it waits. */
  constructor(size: number, ports: () => readonly number[]) {
    this.#ports = ports;
    for (let i = 0; i < size; i += 1) this.#come(i, 0);
  }

  leave(): void {
    this.#isOver = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  #come(i: number, inMs: number): void {
    setTimeout(() => {
      if (this.#isOver) return;
      const ports = this.#ports();
      const port = ports[Math.floor(Math.random() * ports.length)];
      if (port === undefined) {
        this.#come(i, 200);
        return;
      }
      const socket = connect(port, '127.0.0.1');
      this.#sockets.add(socket);
      let lines = 0;
      socket.on('data', (bytes: Buffer) => {
        const text = bytes.toString('latin1');
        if (text.includes('-ERR')) {
          socket.destroy();
        } else if (lines === 0) {
          socket.write(`HELLO {"v":2,"wid":"w${i}","hostname":"h","pid":1,"labels":[]}\r\n`);
        } else {
          // Faktory drops workers without a BEAT after a minute.
          socket.write(lines % 4 === 3 ? `BEAT {"wid":"w${i}"}\r\n` : 'FETCH idle\r\n');
        }
        lines += 1;
      });
      // A bouncer that stands still answers nothing: real clients give up too.
      socket.setTimeout(15_000, () => socket.destroy());
      socket.on('error', () => {});
      socket.on('close', () => {
        this.#sockets.delete(socket);
        this.#come(i, 100 + Math.random() * 400);
      });
    }, inMs);
  }
}
