// Where dials leave from.

import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import t, { type Test } from 'tap';
import { systemDial } from '../../src/base/lean-socket.ts';
import { LocalPorts } from '../../src/base/local-ports.ts';
import { freePort } from '../support/free-port.ts';

t.test('each port is in use once, the next in turn, and again when it is free', async (t) => {
  const ports = new LocalPorts();
  const range = { first: 10, last: 12 };
  t.strictSame([ports.take(range), ports.take(range), ports.take(range)], [10, 11, 12]);
  t.equal(ports.take(range), null);
  ports.free(11);
  t.equal(ports.take(range), 11);
  ports.free(10);
  ports.free(12);
  t.equal(ports.take(range), 12, 'the round goes on');
  t.equal(ports.take(range), 10);
  t.equal(ports.take({ first: 20, last: 20 }), 20, 'another range, after a reload');
});

interface Peer {
  readonly port: number;
  /** The address and port that the next connection comes from. */
  readonly next: () => Promise<string>;
}

async function peer(t: Test): Promise<Peer> {
  const server = createServer();
  const sockets: Socket[] = [];
  server.on('connection', (socket) => sockets.push(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return {
    port: (server.address() as AddressInfo).port,
    next: async () => {
      const [socket] = (await once(server, 'connection')) as [Socket];
      return `${socket.remoteAddress}:${socket.remotePort}`;
    },
  };
}

t.test(
  'a dial leaves from the address and a port of the range, and fails without one',
  async (t) => {
    const { port, next } = await peer(t);
    const dial = systemDial();
    const first = await freePort();
    const local = { host: '127.0.0.1', ports: { first, last: first } };
    const to = { host: '127.0.0.1', port };

    const one = dial(to, local, null);
    t.equal(await next(), `127.0.0.1:${first}`);
    const [error] = (await once(dial(to, local, null), 'error')) as [NodeJS.ErrnoException];
    t.equal(error.code, 'EADDRNOTAVAIL');
    // A reset leaves no TIME_WAIT behind.
    one.resetAndDestroy();
    await once(one, 'close');
    const again = dial(to, local, null);
    t.equal(await next(), `127.0.0.1:${first}`);
    again.destroy();
  },
);

t.test('an address that is not of this machine fails by its errno', async (t) => {
  const { port } = await peer(t);
  const socket = systemDial()(
    { host: '127.0.0.1', port },
    { host: '192.0.2.1', ports: null },
    null,
  );
  const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
  t.equal(error.code, 'EADDRNOTAVAIL');
});
