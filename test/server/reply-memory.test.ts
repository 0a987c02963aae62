// A reply that is put together until it is whole counts as buffered, and is read on while there is room.

import t from 'tap';
import type { Verb } from '../../src/protocol/verbs.ts';
import type { ServerConnection } from '../../src/server/server-connection.ts';
import { NotedCommand, NotingOwner, ServerRoom } from './support/room.ts';

const REPLY_BYTES = 500_000;
const HEAD = `$${REPLY_BYTES}\r\n`;

/** A connection with a command at Faktory, whose reply is large. */
class Asking {
  readonly connection: ServerConnection;
  readonly command: NotedCommand;
  readonly #room: ServerRoom;
  readonly #dial: ReturnType<ServerRoom['dial']>;
  #said = 0;

  static async open(room: ServerRoom, verb: Verb): Promise<Asking> {
    const connection = room.connection(new NotingOwner());
    await room.accept();
    const asking = new Asking(room, connection, verb);
    await room.settle();
    return asking;
  }

  private constructor(room: ServerRoom, connection: ServerConnection, verb: Verb) {
    this.#room = room;
    this.connection = connection;
    this.#dial = room.dial();
    this.command = new NotedCommand(verb);
    connection.send(this.command);
  }

  get isPaused(): boolean {
    return this.#dial.near.isPaused();
  }

  /** So many bytes more of the reply come, its head included; without a number all that are left. */
  async comes(bytes = HEAD.length + REPLY_BYTES + 2 - this.#said): Promise<void> {
    const whole = `${HEAD}${'x'.repeat(REPLY_BYTES)}\r\n`;
    this.#dial.far.socket.write(whole.slice(this.#said, this.#said + bytes));
    this.#said += bytes;
    await this.#room.settle();
  }

  async isLost(): Promise<void> {
    this.#dial.far.socket.resetAndDestroy();
    await this.#room.settle();
  }
}

function openRoom(bufferedBytes: number): ServerRoom {
  const room = new ServerRoom();
  room.memory.replace({ bufferedBytes });
  return room;
}

t.test('past the limit one large reply is read at a time, and each to its end', async (t) => {
  const room = openRoom(100_000);
  const [first, second] = [await Asking.open(room, 'FETCH'), await Asking.open(room, 'PUSHB')];
  await first.comes(65_536);
  t.equal(room.budget.usedBytes, 0, 'no reply is large yet');
  await first.comes(1);
  t.equal(room.budget.usedBytes, 65_537);
  await second.comes(65_537);
  await first.comes(1);
  t.same([first.isPaused, second.isPaused], [true, false], 'the one that came past it goes on');
  await second.comes();
  t.same(second.command.told, [`${HEAD.length + REPLY_BYTES + 2} bytes`]);
  t.same([first.isPaused, room.budget.usedBytes], [false, 65_538]);
  await first.comes();
  t.equal(room.budget.usedBytes, 0);
  t.equal(first.command.told.length, 1);
});

t.test('a reply that is streamed does not count, and is never made to wait', async (t) => {
  const room = openRoom(1000);
  const asking = await Asking.open(room, 'INFO');
  await asking.comes(200_000);
  t.equal(room.budget.usedBytes, 0);
  t.equal(asking.isPaused, false);
  await asking.comes();
});

for (const how of ['isLost', 'close'] as const) {
  t.test(`what a connection held is free when it ends (${how})`, async (t) => {
    const room = openRoom(100_000);
    const [first, second] = [await Asking.open(room, 'FETCH'), await Asking.open(room, 'FETCH')];
    await first.comes(90_000);
    await second.comes(90_000);
    t.equal(first.isPaused, false);
    t.equal(second.isPaused, false, 'it is the one that goes on');
    await first.comes(1);
    t.equal(first.isPaused, true);
    if (how === 'isLost') await second.isLost();
    else second.connection.close('stopped');
    t.equal(room.budget.usedBytes, 90_001);
    t.equal(first.isPaused, false);
    await first.comes();
    t.equal(room.budget.usedBytes, 0);
  });
}
