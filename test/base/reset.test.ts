// A reset reaches the peer, and its socket closes, whatever else happens to it.

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
  // What it hears is a test's own matter.
  far.on('error', () => {});
  const [[near]] = (await Promise.all([once(server, 'connection'), once(far, 'connect')])) as [
    [Socket],
    unknown,
  ];
  t.teardown(() => near.destroy());
  return { near, far };
}

t.test('the peer is told by RST', async (t) => {
  const { near, far } = await pair(t);
  const heard = new Promise<NodeJS.ErrnoException>((resolve) => far.once('error', resolve));
  reset(near);
  t.equal((await heard).code, 'ECONNRESET');
});

const MEANWHILE = {
  'an error': (socket: Socket) => socket.destroy(new Error('of the network')),
  'a destroy': (socket: Socket) => socket.destroy(),
  'another reset': (socket: Socket) => reset(socket),
  nothing: () => {},
};

for (const [what, happens] of Object.entries(MEANWHILE)) {
  for (const state of ['open', 'FIN is on its way', 'FIN is sent'] as const) {
    t.test(`the socket is closed though ${what} comes in between (${state})`, async (t) => {
      const { near } = await pair(t);
      const errors: string[] = [];
      near.on('error', (error) => errors.push(error.message));
      const closed = new Promise((resolve) => near.once('close', resolve));
      if (state !== 'open') near.end();
      if (state === 'FIN is sent') await once(near, 'finish');
      reset(near);
      happens(near);
      await closed;
      const isLate = what !== 'an error' || state !== 'FIN is on its way';
      t.strictSame(errors, isLate ? [] : ['of the network']);
    });
  }
}
