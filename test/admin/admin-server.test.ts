// The admin listener as its peers meet it, over real sockets.

import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HANGS_MS, until } from '../support/waiting.ts';
import t from 'tap';
import { ROUTES } from '../../src/admin/routes.ts';
import type { Readiness } from '../../src/admin/route.ts';
import { adminServer, ask, startAdmin as start } from './support/admin-house.ts';

const READY: Readiness = { ready: true };
const REQUEST = 'GET /livez HTTP/1.1\r\nHost: a\r\n\r\n';

t.test('/metrics answers with what is rendered, HEAD without the body', async (t) => {
  const { address } = await start(t);
  const got = await ask(address, '/metrics?x=1');
  t.match(got, { status: 200, body: 'up 1\n' });
  t.equal(got.headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8');
  const head = await ask(address, '/metrics', { method: 'HEAD' });
  t.match(head, { status: 200, body: '' });
  t.equal(head.headers['content-length'], '5');
});

t.test('/readyz follows readiness and says why not, /livez does not care', async (t) => {
  let readiness: Readiness = { ready: false, reason: 'Faktory has not answered yet' };
  const { address } = await start(t, { readiness: () => readiness });
  t.match(await ask(address, '/readyz'), {
    status: 503,
    body: 'not ready: Faktory has not answered yet\n',
  });
  t.match(await ask(address, '/livez'), { status: 200, body: 'alive\n' });
  readiness = READY;
  t.match(await ask(address, '/readyz'), { status: 200, body: 'ready\n' });
});

t.test('/ lists every path where the page is not built', async (t) => {
  const { address } = await start(t);
  const { status, body } = await ask(address, '/');
  t.equal(status, 200);
  t.match(body, /npm run build/);
  for (const { path } of ROUTES) t.ok(body.includes(`${path} `), path);
});

t.test('another path gets 404 and another method 405, each with what to do', async (t) => {
  const { address } = await start(t);
  t.match(await ask(address, '/metrics/'), { status: 404, body: /docs\/admin\.md/ });
  const posted = await ask(address, '/metrics', { method: 'POST', body: 'body' });
  t.match(posted, { status: 405, body: /GET or HEAD/ });
  t.equal(posted.headers['allow'], 'GET, HEAD');
  t.equal(posted.headers['connection'], 'close');
  const got = await ask(address, '/api/drain');
  t.match(got, { status: 405, body: '{"error":"Cannot take this method: use POST"}\n' });
  t.equal(got.headers['allow'], 'POST');
});

t.test('a body is answered before it is read, and not invited', async (t) => {
  const { address } = await start(t);
  const socket = connect(address.port, address.host);
  t.teardown(() => socket.destroy());
  socket.write('PUT /metrics HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n');
  socket.write('Content-Length: 1000000000\r\n\r\n');
  socket.setEncoding('utf8');
  let text = '';
  socket.on('data', (piece: string) => (text += piece));
  await once(socket, 'end');
  t.match(text, /^HTTP\/1\.1 405 /);
});

t.test('headers over the bound are refused', async (t) => {
  const { address } = await start(t);
  const socket = connect(address.port, address.host);
  socket.on('error', () => {});
  t.teardown(() => socket.destroy());
  socket.write(`GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(9000)}\r\n\r\n`);
  const [answer] = await once(socket, 'data');
  t.match(String(answer), /^HTTP\/1\.1 431 /);
});

t.test('64 connections at most, and a probe gets in whatever they do', async (t) => {
  for (const said of ['', REQUEST.slice(0, 20), REQUEST]) {
    const { address } = await start(t);
    /** By their numbers, in the order in which they were closed. */
    const closed: number[] = [];
    for (let n = 0; n < 80; n += 1) {
      const socket = connect(address.port, address.host);
      socket.on('error', () => {});
      socket.on('close', () => closed.push(n));
      t.teardown(() => socket.destroy());
      socket.resume();
      await once(socket, 'connect');
      if (said !== '') socket.write(said);
      // How long one has been there without a request counts from the answer to its last.
      if (said === REQUEST) await once(socket, 'data');
    }
    for (let n = 0; n < 10; n += 1) t.equal((await ask(address, '/livez')).status, 200);
    const gaveWay = 80 + 1 - 64;
    await until(() => closed.length >= gaveWay, { what: said });
    // Later Node closes the others too, as they say nothing for 5 s.
    const first = closed.slice(0, gaveWay).sort((a, b) => a - b);
    t.strictSame(first, [...Array(gaveWay).keys()], 'those that have been there for longest');
  }
});

t.test('a scrape that fails is answered with 500 and logged', async (t) => {
  const { address, warnings } = await start(t, {
    render: () => Promise.reject(new Error('no snapshot')),
  });
  t.match(await ask(address, '/metrics'), { status: 500, body: /see the log/ });
  t.match(warnings, [{ reason: /no snapshot/ }]);
  t.equal((await ask(address, '/livez')).status, 200);
});

t.test('close ends idle connections, finishes the answer under way, takes no more', async (t) => {
  let finish: (text: string) => void = () => {};
  const asked = Promise.withResolvers<void>();
  const { admin, address } = await start(t, {
    render: () => {
      asked.resolve();
      return new Promise<string>((resolve) => (finish = resolve));
    },
  });
  const idle = connect(address.port, address.host);
  idle.write(REQUEST);
  await once(idle, 'data');
  const answer = ask(address, '/metrics');
  await asked.promise;
  const closed = admin.close(HANGS_MS);
  await once(idle, 'close');
  await t.rejects(ask(address, '/livez'), { code: 'ECONNREFUSED' });
  finish('late 1\n');
  t.match(await answer, { status: 200, body: 'late 1\n' });
  await closed;
  await t.resolves(admin.close(), 'closing twice is harmless');
});

t.test('an address in use fails with its name and what to do', async (t) => {
  const { address } = await start(t);
  const second = adminServer({}, []);
  await t.rejects(second.listen(address), {
    message:
      /^Cannot listen on admin\.address 127\.0\.0\.1:\d+: the port is in use \(EADDRINUSE\)\. Stop the other process or choose another address$/,
  });
});

t.test('a path that cannot be listened on fails with what is wrong there', async (t) => {
  // A socket's path may have about 100 bytes.
  const directory = mkdtempSync(join(tmpdir(), 'admin-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  writeFileSync(join(directory, 'file'), 'not a socket');
  const messageFor = async (path: string): Promise<string> => {
    const failure: unknown = await adminServer({}, [])
      .listen({ path })
      .catch((error: unknown) => error);
    return failure instanceof Error ? failure.message.replaceAll(directory, 'D') : '';
  };
  t.equal(
    await messageFor(`${directory}/none/x.sock`),
    'Cannot listen on admin.address D/none/x.sock: the directory D/none does not exist (ENOENT). Create it or choose another path',
  );
  t.equal(
    await messageFor(`${directory}/file`),
    'Cannot listen on admin.address D/file: a file that is not a socket is there (EADDRINUSE). Remove it or choose another path',
  );
  t.equal(
    await messageFor(`${directory}/${'x'.repeat(120)}`),
    `Cannot listen on admin.address D/${'x'.repeat(120)}: the path is too long for a socket (EINVAL). Choose a shorter one`,
  );
  await start(t, { place: { path: `${directory}/x.sock` } });
  t.equal(
    await messageFor(`${directory}/x.sock`),
    'Cannot listen on admin.address D/x.sock: another process listens there (EADDRINUSE). Stop it or choose another path',
  );
});
