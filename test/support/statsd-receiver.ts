// A statsd receiver of a test's own, over UDP. Promise: every packet is kept as it came, and it is gone
// when its test ends.

import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { Test } from 'tap';
import { until } from './waiting.ts';

export interface StatsdLine {
  readonly name: string;
  readonly value: number;
  readonly type: string;
  readonly tags: readonly string[];
}

export class StatsdReceiver {
  readonly packets: Buffer[] = [];
  readonly port: number;
  readonly #socket: Socket;

  static async start(t: Pick<Test, 'teardown'>, port = 0): Promise<StatsdReceiver> {
    const socket = createSocket('udp4');
    socket.bind(port, '127.0.0.1');
    await once(socket, 'listening');
    const receiver = new StatsdReceiver(socket);
    t.teardown(() => receiver.stop());
    return receiver;
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.port = socket.address().port;
    socket.on('message', (packet) => this.packets.push(packet));
  }

  get url(): string {
    return `udp://127.0.0.1:${this.port}`;
  }

  get lines(): readonly StatsdLine[] {
    return linesOf(this.packets);
  }

  /** Resolves with the first line of the name, and of the tag if there is one. */
  line(name: string, tag?: string): Promise<StatsdLine> {
    return until(
      () =>
        this.lines.find(
          (line) => line.name === name && (tag === undefined || line.tags.includes(tag)),
        ),
      { what: `a statsd line ${name} ${tag ?? ''}` },
    );
  }

  /** Frees the port; what came stays. */
  stop(): void {
    try {
      this.#socket.close();
    } catch {
      // It was closed by the test.
    }
  }
}

/** What packets say; fails for one that is not statsd. */
export function linesOf(packets: readonly Buffer[]): readonly StatsdLine[] {
  return packets
    .flatMap((packet) => packet.toString('utf8').split('\n'))
    .filter((line) => line !== '')
    .map((line) => {
      const [, name, value, type, tags] =
        /^([\w.-]+):(-?[\d.e+-]+)\|(c|g|ms)(?:\|#([^|\n]+))?$/.exec(line) ?? [];
      if (name === undefined || type === undefined) throw new Error(`Not statsd: ${line}`);
      return { name, value: Number(value), type, tags: tags?.split(',') ?? [] };
    });
}
