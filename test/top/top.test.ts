// top in front of a running bouncer: on a terminal, and as lines.

import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import t, { type Test } from 'tap';
import { updateSchema } from '../../src/admin/schemas.ts';
import { adminTarget } from '../../src/config/admin-target.ts';
import { top, type TopOptions } from '../../src/top/top.ts';
import { openHouse } from '../session/house.ts';
import { until } from '../support/waiting.ts';
import { startAdmin, TOKEN } from '../admin/support/admin-house.ts';

/** Both ends of a terminal. */
class FakeTerminal {
  readonly isTTY: boolean;
  readonly columns = 120;
  readonly rows = 30;
  text = '';
  isRaw = false;
  isPaused = true;
  #key: (key: string) => void = () => {};
  readonly #listeners = new Map<string, () => void>();

  constructor(isTTY: boolean) {
    this.isTTY = isTTY;
  }

  write(text: string): void {
    this.text += text;
  }

  setRawMode(isRaw: boolean): void {
    this.isRaw = isRaw;
  }

  setEncoding(): void {}

  resume(): void {
    this.isPaused = false;
  }

  pause(): void {
    this.isPaused = true;
  }

  on(event: string, listener: (key: string) => void): void {
    if (event === 'data') this.#key = listener;
    else this.#listeners.set(event, () => listener(''));
  }

  press(key: string): void {
    this.#key(key);
  }

  emit(event: 'error' | 'resize'): void {
    this.#listeners.get(event)?.();
  }
}

function options(
  t: Pick<Test, 'teardown'>,
  port: number,
  terminal: FakeTerminal,
  changes: Partial<TopOptions> = {},
): TopOptions {
  const stop = new AbortController();
  t.teardown(() => stop.abort());
  return {
    target: { kind: 'url', url: new URL(`http://127.0.0.1:${port}`) },
    token: '',
    once: false,
    json: false,
    input: terminal,
    output: terminal,
    stop,
    ...changes,
  };
}

t.test('--once prints plain rows and ends, --json one line of JSON', async (t) => {
  const { bouncer, connect } = await openHouse(t);
  await connect({ wid: 'w-of-the-test' });
  const plain = new FakeTerminal(true);
  await top(options(t, bouncer.adminPort, plain, { once: true }));
  t.match(plain.text, /^faktory-bouncer .*\nclients .*\n/);
  t.match(plain.text, /\nw-of-the-test +/);
  t.notOk(plain.text.includes('\u001b'));
  const json = new FakeTerminal(false);
  await top(options(t, bouncer.adminPort, json, { once: true, json: true }));
  t.equal(json.text.split('\n').length, 2);
  t.ok(updateSchema.safeParse(JSON.parse(json.text)).success);
});

t.test('a terminal shows updates, obeys keys, and is given back at the end', async (t) => {
  const { bouncer, connect } = await openHouse(t);
  await connect({ wid: 'w-of-the-test' });
  const terminal = new FakeTerminal(true);
  const ended = top(options(t, bouncer.adminPort, terminal));
  await until(() => terminal.text.includes('w-of-the-test'), { what: 'the first update' });
  t.ok(terminal.text.startsWith('\u001b[?1049h'));
  t.equal(terminal.isRaw, true);
  terminal.text = '';
  for (const key of ['/', 'n', 'o', 'n', 'e', '\r']) terminal.press(key);
  t.match(terminal.text, /filter: none/);
  terminal.text = '';
  terminal.emit('resize');
  t.notOk(terminal.text.includes('w-of-the-test'));
  terminal.press('q');
  await ended;
  t.ok(terminal.text.endsWith('\u001b[?25h\u001b[?1049l'));
  t.equal(terminal.isRaw, false);
  t.equal(terminal.isPaused, true);
});

t.test('it ends in peace when the reader of its lines has gone', async (t) => {
  const { address } = await startAdmin(t);
  const output = new FakeTerminal(false);
  const ended = top(options(t, address.port, output));
  await until(() => output.text !== '', { what: 'a line' });
  output.emit('error');
  await ended;
});

t.test('where nothing can be read it says what was found and what to do', async (t) => {
  const { address, admin } = await startAdmin(t);
  const refused = { ...options(t, address.port, new FakeTerminal(false)), token: 'x' };
  await admin.close();
  await t.rejects(top(refused), {
    message:
      /^Cannot read http:\/\/127\.0\.0\.1:\d+: nothing listens there \(ECONNREFUSED\)\. Start/,
  });
  const clientPort = createTcpServer((socket) => {
    socket.on('error', () => {});
    socket.end('+HI {"v":2}\r\n');
  });
  clientPort.listen(0, '127.0.0.1');
  await once(clientPort, 'listening');
  t.teardown(() => clientPort.close());
  const wrong = clientPort.address();
  const wrongPort = typeof wrong === 'object' && wrong !== null ? wrong.port : 0;
  await t.rejects(top(options(t, wrongPort, new FakeTerminal(false))), {
    message: /: it does not speak HTTP, so it is not an admin address\. Name the admin\.address/,
  });
  const site = createServer((_, response) => response.writeHead(404).end('<html>'));
  site.listen(0, '127.0.0.1');
  await once(site, 'listening');
  t.teardown(() => site.close());
  const at = site.address();
  const sitePort = typeof at === 'object' && at !== null ? at.port : 0;
  await t.rejects(top(options(t, sitePort, new FakeTerminal(false))), {
    message: /: it answered 404, so it is not an admin address\. Name the admin\.address/,
  });
  const other = createServer((_, response) => response.writeHead(401).end('{"error":"no token"}'));
  other.listen(0, '127.0.0.1');
  await once(other, 'listening');
  t.teardown(() => other.close());
  const bound = other.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : 0;
  const secret = options(t, port, new FakeTerminal(true), { token: TOKEN });
  await t.rejects(top(secret), { message: /: it answered 401: no token$/ });
  const failure = await top(secret).catch(String);
  t.notOk(String(failure).includes(TOKEN));
});

t.test(
  'its target is --url, else admin.address of the environment, else the default',
  async (t) => {
    const targetOf = (url: string | null, address?: string): string => {
      const target = adminTarget(url, { FAKTORY_BOUNCER_ADMIN_ADDRESS: address });
      switch (target.kind) {
        case 'url':
          return target.url.origin;
        case 'socket':
          return target.path;
        case 'refused':
          return target.text;
      }
    };
    t.equal(targetOf(null), 'http://127.0.0.1:7421');
    t.equal(targetOf(null, '0.0.0.0:1'), 'http://127.0.0.1:1');
    t.equal(targetOf(null, '[::]:1'), 'http://[::1]:1');
    t.equal(targetOf(null, '/run/a.sock'), '/run/a.sock');
    t.equal(targetOf('http://h:5', '0.0.0.0:1'), 'http://h:5');
    t.equal(targetOf('/run/b.sock', '/run/a.sock'), '/run/b.sock');
    t.match(targetOf('https://h:5'), /^Cannot use this URL/);
    t.match(targetOf('x'), /^Cannot use this URL/);
    t.match(targetOf('http://:s3cret@h:5'), /^Cannot take a password in the URL/);
  },
);
