// A server connection's life: what it says when, what becomes of commands, and that its place is held
// until Faktory has closed.

import t from 'tap';
import { BugError } from '../../src/base/check.ts';
import { leaseOf } from './support/lease.ts';
import { HI, LINGER_MS, NotedCommand, NotingOwner, ServerRoom } from './support/room.ts';
import type { ServerConnection, ServerOptions } from '../../src/server/server-connection.ts';
import type { FarEnd } from './support/room.ts';

interface House {
  readonly room: ServerRoom;
  readonly owner: NotingOwner;
  readonly connection: ServerConnection;
  readonly far: FarEnd;
}

async function open(options: Partial<ServerOptions> = {}): Promise<House> {
  const room = new ServerRoom();
  const owner = new NotingOwner();
  const connection = room.connection(owner, options);
  const far = await room.accept();
  return { room, owner, connection, far };
}

t.test('commands go out, replies come back to those that asked, in order', async (t) => {
  const { room, owner, connection, far } = await open();
  const [first, second, third] = [
    new NotedCommand('PUSH'),
    new NotedCommand('ACK'),
    new NotedCommand('BEAT'),
  ];
  connection.send(first);
  connection.send(second);
  connection.send(third);
  t.equal(connection.outstanding, 3);
  await room.settle();
  t.equal(far.read, 'PUSH\r\nACK\r\nBEAT\r\n');
  await room.says('+OK\r\n-ERR no\r\n');
  await room.says('$2\r\nhi\r\n');
  t.strictSame(
    [first.told, second.told, third.told],
    [['+OK\r\n'], ['-ERR no\r\n'], ['$2\r\nhi\r\n']],
  );
  t.strictSame(owner.heard, ['open', 'answered', 'answered', 'answered']);
  t.equal(connection.outstanding, 0);
});

t.test('what one turn brings is one write, but for the first', async (t) => {
  const { room, connection, far } = await open();
  for (let n = 0; n < 5; n += 1) connection.send(new NotedCommand('PUSH'));
  t.equal(far.socket.writes, 1);
  await new Promise(setImmediate);
  t.equal(far.socket.writes, 2);
  await room.settle();
});

for (const how of ['idle', 'busy'] as const) {
  t.test(
    `closed while ${how}: END, no FIN, and the place is held until Faktory closes`,
    async (t) => {
      const { room, owner, connection, far } = await open();
      const command = new NotedCommand('PUSH');
      if (how === 'busy') connection.send(command);
      connection.close('client_gone');
      connection.close('idle');
      await room.settle();
      t.equal(far.read, how === 'busy' ? 'PUSH\r\nEND\r\n' : 'END\r\n');
      t.equal(far.hasEnded, false);
      t.equal(connection.state, 'closing');
      t.equal(room.places, 1);
      t.strictSame(command.told, how === 'busy' ? ['unanswered'] : []);
      if (how === 'busy') await room.says('+OK\r\n');
      far.socket.end();
      await room.settle();
      t.equal(far.hasEnded, true);
      t.equal(room.places, 0);
      t.equal(room.servers.size, 0);
      t.strictSame(owner.heard.at(-1), 'end: client_gone');
      t.equal(command.told.length, how === 'busy' ? 1 : 0);
    },
  );
}

t.test('Faktory that does not close is given up in time where it has nothing to do', async (t) => {
  const { room, connection } = await open();
  connection.close('idle');
  room.clock.advance(LINGER_MS - 1);
  await room.settle();
  t.equal(room.places, 1);
  room.clock.advance(1);
  await room.settle();
  t.equal(room.places, 0);
});

t.test('Faktory that works on a command is waited for however long it takes', async (t) => {
  const { room, connection, far } = await open();
  connection.send(new NotedCommand('FETCH'));
  connection.close('client_gone');
  room.clock.advance(1_000_000);
  await room.settle();
  t.equal(room.places, 1);
  await room.says(`$200000\r\n${'x'.repeat(200_000)}\r\n`);
  far.socket.end();
  await room.settle();
  t.equal(room.places, 0);
});

t.test('a limit that shrinks during a dial: nothing failed, and it is dialled later', async (t) => {
  const room = new ServerRoom();
  const lease = leaseOf(1);
  room.parts.permits.restOn(lease);
  const owner = new NotingOwner();
  const connection = room.connection(owner);
  lease.places = 0;
  room.dial().near.announce();
  await room.says(HI);
  t.equal(connection.state, 'queued');
  t.strictSame(owner.heard, []);
  t.strictSame(room.healthChanges, []);
  t.equal(room.counts.dials.values.failed, 0);
  t.equal(room.places, 1);
  lease.places = 1;
  room.parts.permits.changed();
  t.equal(room.dialled.length, 1, 'Faktory may count the first for a moment');
  room.clock.advance(500);
  await room.accept();
  t.strictSame(owner.heard, ['open']);
});

t.test('closed while queued: it is never dialled', async (t) => {
  const room = new ServerRoom();
  const owners = Array.from({ length: 65 }, () => new NotingOwner());
  const connections = owners.map((owner) => room.connection(owner));
  t.equal(room.dialled.length, 64);
  connections.at(-1)?.close('client_gone');
  t.strictSame(owners.at(-1)?.heard, ['end: client_gone']);
  t.equal(room.places, 64);
  connections[0]?.destroy('stopped');
  await room.settle();
  t.equal(room.dialled.length, 64);
  t.equal(room.places, 63);
});

t.test('closed while dialling: the place is held until Faktory closes', async (t) => {
  const room = new ServerRoom();
  const owner = new NotingOwner();
  const connection = room.connection(owner);
  const { near, far } = room.dial();
  t.equal(connection.state, 'dialling');
  near.announce();
  await room.settle();
  t.equal(connection.state, 'handshake');
  connection.close('client_gone');
  await room.settle();
  t.equal(room.places, 1);
  far.socket.end();
  await room.settle();
  t.equal(room.places, 0);
  t.strictSame(owner.heard, ['end: client_gone']);
});

t.test('a dial that fails is told, and dialled again with the same place', async (t) => {
  const room = new ServerRoom();
  const owner = new NotingOwner();
  const connection = room.connection(owner);
  room.dial().far.socket.resetAndDestroy();
  await room.settle();
  t.strictSame(owner.heard, ['failed: connect_failed ECONNRESET']);
  t.equal(connection.state, 'queued');
  t.equal(room.places, 1);
  room.clock.advance(1000);
  t.equal(room.dialled.length, 2);
  await room.accept();
  t.equal(connection.state, 'open');
  t.strictSame(room.counts.dialReasons.values, { first: 1, growth: 0, redial: 1, control: 0 });
  t.equal(room.counts.ends.values.connect_failed, 1);
});

t.test("Faktory's FIN: a shared one reports what is lost at once, before its close", async (t) => {
  const { room, owner, connection, far } = await open();
  const commands = [new NotedCommand('PUSH'), new NotedCommand('ACK')];
  for (const command of commands) connection.send(command);
  far.socket.end();
  room.dial().near.deliver(Infinity);
  t.equal(connection.state, 'closing');
  t.strictSame(
    commands.map(({ told }) => told),
    [['unanswered'], ['unsent']],
  );
  t.equal(room.places, 1);
  await room.settle();
  t.equal(room.places, 0);
  t.strictSame(owner.heard, ['open', 'end: server_closed']);
});

t.test('one of its own goes on until the close, and loses nothing silently', async (t) => {
  const { room, owner, connection } = await open({ isShared: false, lane: 'session' });
  await room.says('what?\r\n');
  t.equal(connection.state, 'closing');
  const late = new NotedCommand('PUSH');
  t.equal(owner.heard.at(-1), 'end: protocol_error');
  t.throws(() => connection.send(late), BugError);
});

t.test(
  'what comes for one of its own between the end and the close is lost as unsent',
  async (t) => {
    const { room, connection } = await open({ isShared: false, lane: 'session' });
    const late = new NotedCommand('PUSH');
    room.dial().far.socket.write('what?\r\n');
    room.dial().near.deliver(Infinity);
    t.equal(connection.state, 'closing');
    connection.send(late);
    t.strictSame(late.told, []);
    await room.settle();
    t.strictSame(late.told, ['unsent']);
  },
);

t.test('a shared one that is not open takes nothing: that would be a defect', async (t) => {
  const { room, connection } = await open();
  connection.close('idle');
  t.throws(() => connection.send(new NotedCommand('PUSH')), BugError);
  await room.settle();
});

t.test('a reset reports each command with what became of it', async (t) => {
  const { room, connection, far } = await open();
  const streamed = new NotedCommand('INFO');
  const behind = new NotedCommand('PUSH');
  connection.send(streamed);
  await room.settle();
  connection.send(behind);
  await room.settle();
  await room.says(`$100000\r\n${'x'.repeat(70_000)}`);
  const unsent = new NotedCommand('PUSH');
  connection.send(unsent);
  far.socket.resetAndDestroy();
  room.dial().near.deliver(Infinity);
  t.equal(streamed.told.at(-1), 'partly_answered');
  t.strictSame(behind.told, ['unanswered']);
  t.strictSame(unsent.told, ['unsent']);
  t.equal(room.places, 0, 'the system has closed it by then');
});

t.test('a job whose reply was cut is partly answered though nothing was passed on', async (t) => {
  const { room, connection, far } = await open();
  const fetch = new NotedCommand('FETCH');
  connection.send(fetch);
  await room.says('$100\r\n{"jid"');
  far.socket.end();
  await room.settle();
  t.strictSame(fetch.told, ['partly_answered']);
});

t.test("Faktory's shutdown: nothing was executed, and it closes first", async (t) => {
  const { room, owner, connection, far } = await open();
  const commands = [new NotedCommand('PUSH'), new NotedCommand('PUSH'), new NotedCommand('PUSH')];
  for (const command of commands) connection.send(command);
  await room.settle();
  await room.says('+OK\r\n-ERR shutdown in progress\r\n');
  t.strictSame(
    commands.map(({ told }) => told),
    [['+OK\r\n'], ['unsent'], ['unsent']],
  );
  t.equal(far.hasEnded, false);
  far.socket.end();
  await room.settle();
  t.equal(owner.heard.at(-1), 'end: server_shutdown');
  t.equal(room.counts.unexpectedReplies.total, 0);
});

t.test('of its own: the shutdown is the reply, as from Faktory', async (t) => {
  const { room, connection } = await open({ isShared: false, lane: 'session' });
  const command = new NotedCommand('PUSH');
  connection.send(command);
  await room.says('-ERR shutdown in progress\r\n');
  t.strictSame(command.told, ['-ERR shutdown in progress\r\n']);
});

t.test('a streamed reply may end with the words of the shutdown', async (t) => {
  const { room, connection } = await open();
  const command = new NotedCommand('INFO');
  connection.send(command);
  const end = '-ERR shutdown in progress';
  const body = 'x'.repeat(70_000) + end;
  await room.says(`$${body.length}\r\n${'x'.repeat(70_000)}`);
  await room.says(`${end}\r\n`);
  t.strictSame(command.told, ['70008 bytes', `${end}\r\n`]);
  t.equal(connection.state, 'open');
});

for (const [what, says] of [
  ['a reply that nobody asked for', '+OK\r\n'],
  ['what is no reply', 'hello\r\n'],
] as const) {
  t.test(`${what} ends the connection, and is counted once`, async (t) => {
    const { room, owner, connection } = await open();
    await room.says(says + says);
    t.equal(connection.state, 'closing');
    t.equal(owner.heard.at(-1), 'end: protocol_error');
    t.equal(room.counts.unexpectedReplies.total, 1);
    t.equal(room.places, 0);
    room.connection(new NotingOwner());
    t.equal(room.dialled.length, 1, 'the next one is not dialled at once');
    room.clock.advance(50);
    t.equal(room.dialled.length, 2);
  });
}

t.test('a reply is not for a command that waits for the end of its turn', async (t) => {
  const { room, connection } = await open();
  const sent = new NotedCommand('PUSH');
  const unsent = new NotedCommand('PUSH');
  connection.send(sent);
  connection.send(unsent);
  room.dial().far.socket.write('+OK\r\n+OK\r\n');
  room.dial().near.deliver(Infinity);
  t.strictSame([sent.told, unsent.told], [['+OK\r\n'], ['unsent']]);
  t.equal(room.counts.unexpectedReplies.total, 1);
  await room.settle();
});

t.test('an exception in a sink ends its connection only', async (t) => {
  const { room, owner, connection } = await open();
  const other = new NotingOwner();
  const second = room.connection(other);
  await room.accept();
  const command = new NotedCommand('PUSH');
  command.sink.onReply = () => {
    throw new Error('sink');
  };
  const behind = new NotedCommand('PUSH');
  connection.send(command);
  connection.send(behind);
  await room.settle();
  room.dial(0).far.socket.write('+OK\r\n');
  await room.settle();
  t.match(room.bugs, [{ message: 'sink' }]);
  t.equal(owner.heard.at(-1), 'end: bug');
  t.strictSame(behind.told, ['unanswered']);
  t.equal(second.state, 'open');
  t.equal(room.places, 1);
});

t.test('orphaned: it stays until the FETCH is answered', async (t) => {
  const { room, connection } = await open({ isShared: false, lane: 'session' });
  const fetch = new NotedCommand('FETCH');
  connection.send(fetch);
  connection.orphan();
  t.equal(connection.state, 'orphaned');
  await room.says('$-1\r\n');
  t.strictSame(fetch.told, ['$-1\r\n']);
  connection.close('client_gone');
  t.equal(connection.state, 'closing');
});

t.test('reading pauses while nobody takes the replies', async (t) => {
  const { room, connection } = await open();
  const command = new NotedCommand('PUSH');
  connection.send(command);
  connection.pauseReading();
  await room.says('+OK\r\n');
  t.strictSame(command.told, []);
  connection.resumeReading();
  await room.settle();
  t.strictSame(command.told, ['+OK\r\n']);
});

t.test('the longest that Faktory is at a write is found over all connections', async (t) => {
  const { room, connection, far } = await open();
  t.equal(room.servers.oldestUnansweredMs(1000), 0);
  const second = room.connection(new NotingOwner());
  await room.accept();
  room.clock.advance(100);
  connection.send(new NotedCommand('BEAT'));
  connection.send(new NotedCommand('PUSH'));
  await room.settle();
  t.equal(room.servers.oldestUnansweredMs(1000), 0, 'BEAT is none');
  room.clock.advance(50);
  second.send(new NotedCommand('ACK'));
  t.equal(room.servers.oldestUnansweredMs(1000), 850);
  await room.settle();
  room.dial().far.socket.write('+OK\r\n');
  room.clock.advance(50);
  far.socket.write('+OK\r\n');
  await room.settle();
  t.equal(room.servers.oldestUnansweredMs(1000), 800, 'since the answer before it');
  t.equal(connection.unansweredMs(250), 50);
});

t.test('a command tells how long Faktory may have worked on it', async (t) => {
  const { room, connection } = await open();
  const commands = [new NotedCommand('PUSH'), new NotedCommand('PUSH'), new NotedCommand('PUSH')];
  for (const command of commands) connection.send(command);
  await room.settle();
  room.clock.advance(100);
  await room.says('+OK\r\n');
  room.clock.advance(30);
  await room.says('+OK\r\n+OK\r\n');
  t.strictSame(
    commands.map(({ workedMs }) => workedMs),
    [100, 30, 0],
  );
  t.equal(connection.workedAtLeastMs, 0);
});
