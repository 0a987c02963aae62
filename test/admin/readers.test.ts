// Readers of the admin address that ask too much: what is made for them, and who is answered meanwhile.

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { STREAMS_MAX } from '../../src/admin/event-streams.ts';
import { CREDIT_MS, PROBE_SPACING_MS } from '../../src/admin/turns.ts';
import type { Address } from '../../src/base/address.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { steadyClock } from '../support/steady-clock.ts';
import { HANGS_MS, until } from '../support/waiting.ts';
import { act, ask, startAdmin } from './support/admin-house.ts';

const CONNECTIONS = 60;

interface Reader {
  readonly socket: Socket;
  ask(path: string, times?: number): void;
  /** How many answers have begun to come. */
  answers(): number;
}

function requestFor(path: string, header = ''): string {
  return `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${header}\r\n`;
}

async function open(t: Pick<Test, 'teardown'>, address: Address): Promise<Reader> {
  const socket = connect(address.port, address.host);
  socket.on('error', () => {});
  t.teardown(() => socket.destroy());
  await once(socket, 'connect');
  let text = '';
  socket.setEncoding('latin1').on('data', (piece: string) => (text += piece));
  return {
    socket,
    ask: (path, times = 1) => void socket.write(requestFor(path).repeat(times)),
    answers: () => text.split('HTTP/1.1 200 ').length - 1,
  };
}

/** In whatever way: what was sent and not read makes it a reset. */
async function closes({ socket }: Reader): Promise<void> {
  await until(() => socket.closed, { what: 'the end of the connection' });
}

/** Renders that do not end until they are let go. */
function heldRenders() {
  const held: (() => void)[] = [];
  let isHolding = true;
  return {
    begun: 0,
    letGo(): void {
      isHolding = false;
      for (const go of held.splice(0)) go();
    },
    render(): Promise<string> {
      this.begun += 1;
      const text = `up ${this.begun}\n`;
      if (!isHolding) return Promise.resolve(text);
      return new Promise((resolve) => held.push(() => resolve(text)));
    },
  };
}

t.test('a connection that pipelines is cut off, and nothing is made for it', async (t) => {
  for (const path of ['/metrics', '/api/clients', '/livez', '/nowhere']) {
    let made = 0;
    const { address } = await startAdmin(t, {
      render: async () => `up ${(made += 1)}\n`,
      operated: { clientFacts: () => ((made += 1), []) },
    });
    const reader = await open(t, address);
    reader.ask(path, 1000);
    await closes(reader);
    t.equal(reader.answers(), 0, path);
    t.equal((await ask(address, '/livez')).status, 200);
    t.equal(made, 0, path);
  }
});

t.test('a second request is a pipelined one until the first is answered', async (t) => {
  const renders = heldRenders();
  const { address } = await startAdmin(t, { render: () => renders.render() });
  const reader = await open(t, address);
  reader.ask('/metrics');
  await until(() => renders.begun === 1, { what: 'a render' });
  reader.ask('/livez');
  await closes(reader);
  t.equal(reader.answers(), 0);
  renders.letGo();
  const patient = await open(t, address);
  for (let n = 1; n <= 5; n += 1) {
    patient.ask('/metrics');
    await until(() => patient.answers() === n, { what: 'an answer' });
  }
});

t.test('a reader that does not read has one answer, and no second one', async (t) => {
  let made = 0;
  const body = 'x'.repeat(32 * 1024 * 1024);
  const { address } = await startAdmin(t, { render: async () => ((made += 1), body) });
  const reader = await open(t, address);
  reader.socket.pause();
  reader.ask('/metrics');
  await until(() => made === 1, { what: 'the answer' });
  reader.ask('/metrics');
  reader.ask('/metrics');
  // The server has cut it off as soon as writing fails; reading would need the whole of the answer.
  const writing = setInterval(() => reader.ask('/metrics'), 5);
  t.teardown(() => clearInterval(writing));
  await closes(reader);
  t.equal(made, 1);
});

t.test('an expectation is no way past this, and not refused', async (t) => {
  const { address } = await startAdmin(t);
  const asked = await ask(address, '/metrics', { headers: { expect: 'wonders' } });
  t.match(asked, { status: 200, body: 'up 1\n' });
  const reader = await open(t, address);
  reader.socket.write(requestFor('/metrics', 'Expect: wonders\r\n').repeat(100));
  await closes(reader);
  t.equal(reader.answers(), 0);
});

t.test('nothing is made for those that have left while they waited', async (t) => {
  const renders = heldRenders();
  const { address } = await startAdmin(t, { render: () => renders.render() });
  const first = await open(t, address);
  first.ask('/metrics');
  await until(() => renders.begun === 1, { what: 'the first render' });
  let told = 0;
  const readers = await Promise.all(Array.from({ length: CONNECTIONS }, () => open(t, address)));
  for (const { socket } of readers) socket.on('close', () => (told += 1));
  for (const reader of readers) reader.ask('/metrics');
  t.equal((await ask(address, '/livez')).status, 200, 'those requests have been read by now');
  for (const { socket } of readers) socket.destroy();
  await until(() => told === CONNECTIONS, { what: 'closed connections' });
  t.equal((await ask(address, '/livez')).status, 200, 'and their ends');
  renders.letGo();
  await until(() => first.answers() === 1, { what: 'the first answer' });
  t.equal((await ask(address, '/metrics')).body, 'up 2\n');
});

t.test('those that wait together share what is made after the last of them asked', async (t) => {
  const renders = heldRenders();
  const { address } = await startAdmin(t, { render: () => renders.render() });
  const first = await open(t, address);
  first.ask('/metrics');
  await until(() => renders.begun === 1, { what: 'the first render' });
  const readers = await Promise.all(Array.from({ length: CONNECTIONS }, () => open(t, address)));
  for (const reader of readers) reader.ask('/metrics');
  t.equal((await ask(address, '/livez')).status, 200);
  t.equal(renders.begun, 1, 'one at a time');
  renders.letGo();
  await until(() => readers.every((reader) => reader.answers() === 1), { what: 'all answers' });
  t.equal(renders.begun, 2);
  t.equal((await ask(address, '/metrics')).body, 'up 3\n', 'one that asks later gets a new one');
});

t.test('probes and acts are answered while all others wait', async (t) => {
  const renders = heldRenders();
  let drained = 0;
  const { address } = await startAdmin(t, {
    render: () => renders.render(),
    operated: { drain: async () => void (drained += 1) },
  });
  const readers = await Promise.all(Array.from({ length: CONNECTIONS }, () => open(t, address)));
  for (const [n, reader] of readers.entries()) reader.ask(n % 2 === 0 ? '/metrics' : '/api/state');
  await until(() => renders.begun === 1, { what: 'the first render' });
  t.equal((await ask(address, '/livez')).status, 200);
  t.equal((await ask(address, '/readyz')).status, 200);
  t.equal((await act(address, '/api/drain')).status, 202);
  await until(() => drained === 1, { what: 'the drain' });
  renders.letGo();
  await until(() => readers.every((reader) => reader.answers() === 1), { what: 'all answers' });
});

t.test('many that read their answers and ask again have a twentieth of the time', async (t) => {
  const MADE_MS = 5;
  for (const path of ['/metrics', '/api/clients?q=x']) {
    const clock = new FakeClock();
    let made = 0;
    const making = (): void => {
      made += 1;
      clock.advance(MADE_MS);
    };
    const { address } = await startAdmin(t, {
      clock,
      render: async () => (making(), 'up 1\n'),
      operated: { clientFacts: () => (making(), []) },
    });
    const readers = await Promise.all(Array.from({ length: CONNECTIONS }, () => open(t, address)));
    const asked = readers.map(() => 0);
    const startedAt = steadyClock.now();
    while (asked.some((times) => times < 4) && steadyClock.now() - startedAt < HANGS_MS) {
      for (const [n, reader] of readers.entries()) {
        if (reader.answers() < (asked[n] ?? 0)) continue;
        reader.ask(path);
        asked[n] = (asked[n] ?? 0) + 1;
      }
      clock.advance(1);
      await setImmediate();
    }
    t.ok(
      asked.every((times) => times >= 4),
      'each is answered again and again',
    );
    t.ok(made > 1, 'it was made more than once');
    t.ok(
      made * MADE_MS <= (clock.now() + CREDIT_MS) / 20 + MADE_MS,
      `${made} in ${clock.now()} ms`,
    );
  }
});

t.test('answers that cost nothing to make wait for their turn as well', async (t) => {
  const clock = new FakeClock();
  const { address } = await startAdmin(t, { clock });
  const reader = await open(t, address);
  const asked = async (): Promise<void> => {
    reader.ask('/nowhere');
    await once(reader.socket, 'data');
  };
  // Time stands still: what a pause has left is enough for so many, each of which counts for 0.5 ms.
  for (let n = 0; n <= CREDIT_MS / 10; n += 1) await asked();
  reader.ask('/nowhere');
  let isAnswered = false;
  reader.socket.once('data', () => (isAnswered = true));
  for (let n = 0; n < 5; n += 1) await ask(address, '/livez');
  t.equal(isAnswered, false);
  clock.advance(10);
  await until(() => isAnswered, { what: 'the answer' });
});

t.test('the probes of one connection are spaced, those of new ones are not', async (t) => {
  const clock = new FakeClock();
  const { address } = await startAdmin(t, { clock });
  const reader = await open(t, address);
  for (const path of ['/livez', '/readyz']) {
    const before = reader.answers();
    reader.ask(path);
    for (let n = 0; n < 5; n += 1) t.equal((await ask(address, path)).status, 200);
    if (path === '/livez') {
      await until(() => reader.answers() === 1, { what: 'the first answer' });
      continue;
    }
    t.equal(reader.answers(), before);
    clock.advance(PROBE_SPACING_MS - 1);
    for (let n = 0; n < 5; n += 1) t.equal((await ask(address, path)).status, 200);
    t.equal(reader.answers(), before);
    clock.advance(1);
    await until(() => reader.answers() === 2, { what: 'the second answer' });
  }
});

t.test('streams that are asked for at once are no more than there may be', async (t) => {
  const { address, admin } = await startAdmin(t);
  const readers = await Promise.all(
    Array.from({ length: STREAMS_MAX + 4 }, () => open(t, address)),
  );
  let refused = 0;
  for (const { socket } of readers) {
    socket.once('data', (text: string) => (refused += text.startsWith('HTTP/1.1 503 ') ? 1 : 0));
  }
  for (const reader of readers) reader.ask('/api/events');
  const opened = (): number => readers.filter((reader) => reader.answers() === 1).length;
  await until(() => opened() + refused === readers.length, { what: 'all answers' });
  t.equal(opened(), STREAMS_MAX);
  await admin.close();
});
