// Streams of events: one update for all, few of them, none that holds up the rest.

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import t, { type Test } from 'tap';
import { EventStreams, type StreamResponse, STREAMS_MAX } from '../../src/admin/event-streams.ts';
import { updateSchema } from '../../src/admin/schemas.ts';
import type { Address } from '../../src/base/address.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { fullSnapshot } from '../support/full-snapshot.ts';
import { until } from '../support/waiting.ts';
import { ask, startAdmin } from './support/admin-house.ts';

interface Stream {
  readonly socket: Socket;
  /** What came so far. */
  text(): string;
  /** Updates so far, as JSON. */
  updates(): string[];
}

async function open(t: Pick<Test, 'teardown'>, address: Address): Promise<Stream> {
  const socket = connect(address.port, address.host);
  t.teardown(() => socket.destroy());
  socket.on('error', () => {});
  let text = '';
  socket.setEncoding('utf8').on('data', (piece: string) => (text += piece));
  socket.write('GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await once(socket, 'data');
  return {
    socket,
    text: () => text,
    updates: () => [...text.matchAll(/^data: (.*)$/gm)].map(({ 1: data = '' }) => data),
  };
}

t.test('each second brings one update, made once for all streams', async (t) => {
  const clock = new FakeClock();
  let made = 0;
  const { address } = await startAdmin(t, {
    clock,
    operated: {
      snapshot: () => {
        made += 1;
        return fullSnapshot();
      },
    },
  });
  const streams = [await open(t, address), await open(t, address), await open(t, address)];
  const updatesAre = async (count: number): Promise<void> => {
    await until(() => streams.every((stream) => stream.updates().length >= count), {
      what: `${count} updates`,
    });
  };
  await updatesAre(1);
  const before = made;
  clock.advance(1000);
  await updatesAre(2);
  t.equal(made, before + 1);
  t.match(streams[0]?.text(), /^HTTP\/1\.1 200 OK/);
  t.match(streams[0]?.text(), /retry: 2000\n\n/);
  const [first = ''] = streams[0]?.updates() ?? [];
  t.ok(updateSchema.strict().safeParse(JSON.parse(first)).success);
  for (const { socket } of streams) socket.destroy();
  await until(() => clock.advance(1000) === 0, { what: 'no timer without a stream' });
  const after = made;
  clock.advance(10_000);
  t.equal(made, after);
});

t.test('one more stream than allowed is refused, and taken when one has left', async (t) => {
  const { address } = await startAdmin(t);
  const streams: Stream[] = [];
  for (let n = 0; n < STREAMS_MAX; n += 1) streams.push(await open(t, address));
  t.match(await ask(address, '/api/events'), {
    status: 503,
    body: `{"error":"Cannot open another stream: all ${STREAMS_MAX} are taken"}\n`,
  });
  for (const path of ['/metrics', '/livez', '/readyz', '/api/state']) {
    t.equal((await ask(address, path)).status, 200, path);
  }
  streams[0]?.socket.destroy();
  await until(async () => (await ask(address, '/api/events', { method: 'HEAD' })).status === 200, {
    what: 'room for a stream',
  });
  t.match((await open(t, address)).text(), /^HTTP\/1\.1 200 OK/);
});

/** A peer whose reading the test decides. */
class Peer implements StreamResponse {
  readonly socket = null;
  readonly written: string[] = [];
  writableLength = 0;
  isCut = false;
  #closed: () => void = () => {};

  writeHead(): void {}

  write(text: string): void {
    this.written.push(text);
  }

  end(): void {}

  destroy(): void {
    this.isCut = true;
    this.#closed();
  }

  once(_event: 'close', listener: () => void): void {
    this.#closed = listener;
  }
}

t.test('a stream that does not read misses 30 updates, and is cut off with the next', async (t) => {
  const clock = new FakeClock();
  let made = 0;
  const streams = new EventStreams({
    clock,
    update: () => String((made += 1)),
    onFailed: (error) => {
      throw error;
    },
  });
  const [slow, late, quick] = [new Peer(), new Peer(), new Peer()];
  for (const peer of [slow, late, quick]) streams.open(peer);
  slow.writableLength = 1;
  late.writableLength = 1;
  clock.advance(30_000);
  t.equal(slow.isCut, false);
  late.writableLength = 0;
  clock.advance(1000);
  t.equal(slow.isCut, true);
  t.equal(streams.size, 2);
  // What it missed is not sent later.
  t.match(late.written.at(-1), /^event: update\ndata: 34\n\n$/);
  t.equal(late.written.length, 3);
  t.equal(quick.written.length, 2 + 31);
});

t.test(
  'an update that takes long to make is followed by a rest of twenty times that',
  async (t) => {
    const clock = new FakeClock();
    const streams = new EventStreams({
      clock,
      update: () => {
        clock.jump(200);
        return '';
      },
      onFailed: () => {},
    });
    const peer = new Peer();
    streams.open(peer);
    clock.advanceToNext(60_000);
    const tickedAt = clock.now();
    clock.advanceToNext(60_000);
    t.equal(clock.now() - tickedAt, 200 + 20 * 200);
    t.equal(peer.written.length, 4);
  },
);

t.test('close ends the streams', async (t) => {
  const { admin, address } = await startAdmin(t);
  const { socket } = await open(t, address);
  const ended = once(socket, 'close');
  await admin.close();
  await ended;
});

t.test('a failure to make an update is logged, and the stream goes on', async (t) => {
  const clock = new FakeClock();
  let isBroken = false;
  const { address, warnings } = await startAdmin(t, {
    clock,
    operated: {
      snapshot: () => {
        if (isBroken) throw new Error('no snapshot');
        return fullSnapshot();
      },
    },
  });
  const stream = await open(t, address);
  isBroken = true;
  clock.advance(1000);
  t.match(warnings, [{ reason: /no snapshot/ }]);
  isBroken = false;
  clock.advance(1000);
  await until(() => stream.updates().length === 2, { what: 'the next update' });
});
