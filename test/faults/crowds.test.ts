// Crowds that do nothing useful: clients that connect and say nothing, that read nothing, that send one
// byte a second; and all of them at once after a restart. A few hundred; FAULT_CLIENTS=10000 for as many
// as one machine can open.

import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type Socket } from 'node:net';
import t from 'tap';
import { requireFaktory } from '../support/real-faktory.ts';
import { until } from '../support/waiting.ts';
import { MODES, ordeal, type Ordeal } from './support/ordeal.ts';
import { reset } from '../../src/base/reset.ts';

const skip = requireFaktory(t) === undefined;
t.jobs = 2;

const CLIENTS = Number(process.env['FAULT_CLIENTS'] ?? 300);
/** As many as one of the machine's addresses may have ports: see ip_local_port_range. */
const PER_ADDRESS = 10_000;
const CONNECT_AT_ONCE = 200;

const OVERRIDES = {
  'limits.clients': CLIENTS + 200,
  'limits.handshakes': Math.max(100, Math.ceil(CLIENTS / 10)),
  handshake_timeout: '500ms',
  write_stall_timeout: '2s',
};

const HELLO = 'HELLO {"v":2}\r\n';
const UNREAD_COMMANDS = 2000;

class Crowd {
  readonly #sockets: Socket[] = [];
  closed = 0;

  /** `first`: what each sends when it is connected. `reads`: whether it takes what it is told. */
  static async gather(
    port: number,
    { first, reads }: { first: string; reads: boolean },
  ): Promise<Crowd> {
    const crowd = new Crowd();
    for (let made = 0; made < CLIENTS; made += CONNECT_AT_ONCE) {
      const some = Math.min(CONNECT_AT_ONCE, CLIENTS - made);
      await Promise.all(
        Array.from({ length: some }, (_, i) => crowd.#connect(port, made + i, first, reads)),
      );
    }
    return crowd;
  }

  #connect(port: number, index: number, first: string, reads: boolean): Promise<void> {
    const localAddress = `127.0.0.${2 + Math.floor(index / PER_ADDRESS)}`;
    const socket = connect({ host: '127.0.0.1', port, localAddress, noDelay: true });
    this.#sockets.push(socket);
    return new Promise((resolve) => {
      socket.on('error', () => {});
      socket.on('close', () => {
        this.closed += 1;
        resolve();
      });
      socket.on('connect', () => {
        if (first !== '') socket.write(first);
        if (reads) socket.resume();
        resolve();
      });
    });
  }

  send(text: string): void {
    for (const socket of this.#sockets) if (!socket.destroyed) socket.write(text);
  }

  leave(): void {
    for (const socket of this.#sockets) reset(socket);
  }
}

async function leaveNothing({ bouncer }: Ordeal, crowd: Crowd): Promise<void> {
  crowd.leave();
  await until(() => bouncer.snapshot().clients.unknown.handshake === 0, {
    what: 'the crowd to be forgotten',
    withinMs: 60_000,
  });
}

for (const mode of MODES) {
  const options = { overrides: OVERRIDES };

  t.test(`${CLIENTS} clients that say nothing (${mode})`, { skip, buffered: true }, (t) =>
    ordeal(t, mode, options, async (house) => {
      const crowd = await Crowd.gather(house.bouncer.port, { first: '', reads: true });
      await house.works();
      await until(() => crowd.closed === CLIENTS, { what: 'their time to end', withinMs: 120_000 });
      await leaveNothing(house, crowd);
    }),
  );

  t.test(`${CLIENTS} clients that send a byte a second (${mode})`, { skip, buffered: true }, (t) =>
    ordeal(t, mode, options, async (house) => {
      const crowd = await Crowd.gather(house.bouncer.port, { first: 'H', reads: true });
      for (const byte of 'ELL') {
        await sleep(1000);
        crowd.send(byte);
      }
      await house.works();
      await until(() => crowd.closed === CLIENTS, { what: 'their time to end', withinMs: 120_000 });
      await leaveNothing(house, crowd);
    }),
  );

  t.test(`${CLIENTS} clients that read nothing (${mode})`, { skip, buffered: true }, (t) =>
    ordeal(t, mode, { overrides: { ...OVERRIDES, handshake_timeout: '4s' } }, async (house) => {
      // The guard answers each of them, at length. In session mode they hold places, which others need.
      const first = HELLO + 'PUSH\r\n'.repeat(UNREAD_COMMANDS);
      const crowd = await Crowd.gather(house.bouncer.port, { first, reads: false });
      await house.works();
      await leaveNothing(house, crowd);
    }),
  );

  t.test(`all come back at once after a restart (${mode})`, { skip, buffered: true }, (t) => {
    // In session mode each holds a server connection.
    const idle = mode === 'session' ? Math.min(CLIENTS, 700) : CLIENTS;
    const crowd = { idle };
    const overrides = { ...OVERRIDES, handshake_timeout: '4s', 'limits.server_connections': 900 };
    return ordeal(t, mode, { overrides, crowd }, async ({ faktory, bouncer, market, works }) => {
      const all = (): boolean => bouncer.snapshot().clients.producer.open >= idle;
      await until(all, { what: 'all clients to be in', withinMs: 240_000 });
      await faktory.kill();
      await faktory.startAgain();
      await until(all, { what: 'all clients to be in again', withinMs: 240_000 });
      await works();
      const { peaks, limits } = bouncer.snapshot();
      t.ok(peaks.serverConnections <= limits.serverConnections, 'within the cap');
      t.comment(`${market.closed} connections closed, ${market.notConnected} connects failed`);
      return { mayLose: (lost) => lost.length <= 9 };
    });
  });
}
