import t, { type Test } from 'tap';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { reset } from '../../src/base/reset.ts';

/** Both ends of a TCP connection. */
async function pair(t: Test): Promise<{ near: Socket; far: Socket }> {
  const server = createServer({ allowHalfOpen: true });
  t.teardown(() => server.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const far = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  t.teardown(() => far.destroy());
  const [near] = (await once(server, 'connection')) as [Socket];
  t.teardown(() => near.destroy());
  return { near, far };
}

t.test('the next write of the peer fails', async (t) => {
  const { near, far } = await pair(t);
  reset(near);
  await once(near, 'close');
  const error = await new Promise<NodeJS.ErrnoException>((resolve) => {
    far.once('error', resolve);
    far.write('a command');
  });
  t.match(error.code, /^(?:EPIPE|ECONNRESET)$/);
});

const MEANWHILE = {
  'an error': (socket: Socket) => socket.destroy(new Error('of the network')),
  'a destroy': (socket: Socket) => socket.destroy(),
  'another reset': (socket: Socket) => reset(socket),
};

for (const [what, happens] of Object.entries(MEANWHILE)) {
  for (const order of ['ended before', 'open before'] as const) {
    t.test(`the socket is closed though ${what} comes in between (${order})`, async (t) => {
      const { near } = await pair(t);
      const errors: unknown[] = [];
      near.on('error', (error) => errors.push(error.message));
      const closed = new Promise((resolve) => near.once('close', resolve));
      if (order === 'ended before') near.end();
      reset(near);
      happens(near);
      await closed;
      t.strictSame(errors, what === 'an error' ? ['of the network'] : []);
    });
  }
}
