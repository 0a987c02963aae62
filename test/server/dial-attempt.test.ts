// One attempt to reach Faktory: each way in which it can end, and that it ends once.

import t from 'tap';
import { DialPermits } from '../../src/server/dial-permits.ts';
import { DialAttempt, type DialOutcome } from '../../src/server/dial-attempt.ts';
import {
  CONNECT_TIMEOUT_MS,
  type FarEnd,
  HI,
  HI_WITH_PASSWORD,
  LINGER_MS,
  OWN_HELLO,
  ServerRoom,
} from './support/room.ts';
import type { MemorySocket } from '../support/memory-socket.ts';

interface House {
  readonly room: ServerRoom;
  readonly attempt: DialAttempt;
  readonly outcomes: DialOutcome[];
  readonly near: MemorySocket;
  readonly far: FarEnd;
}

function begin(room = new ServerRoom(), ticket = DialPermits.free): House {
  const outcomes: DialOutcome[] = [];
  const attempt = new DialAttempt(room.parts, OWN_HELLO, ticket, {
    dialEnded: (outcome) => outcomes.push(outcome),
  });
  return { room, attempt, outcomes, ...room.dial() };
}

function reasons(outcomes: readonly DialOutcome[]): string[] {
  return outcomes.map((outcome) =>
    outcome.kind === 'failed' ? `${outcome.failure.reason} ${outcome.failure.errno}` : outcome.kind,
  );
}

t.test('HI, HELLO, +OK: it is open, and its deadline is off', async (t) => {
  const { room, attempt, outcomes, near, far } = begin();
  t.equal(attempt.isConnected, false);
  near.announce();
  await room.settle();
  t.equal(attempt.isConnected, true);
  await room.says(HI);
  t.match(far.read, /^HELLO \{.*"labels":\["faktory-bouncer"\].*\}\r\n$/);
  t.notMatch(far.read, 'pwdhash');
  t.strictSame(outcomes, []);
  await room.says('+OK\r\n');
  t.strictSame(reasons(outcomes), ['open']);
  t.equal(room.clock.timers, 0);
});

t.test('bytes one by one are the same handshake', async (t) => {
  const { room, outcomes, near } = begin();
  near.announce();
  for (const byte of HI) await room.says(byte);
  for (const byte of '+OK\r\n') await room.says(byte);
  t.strictSame(reasons(outcomes), ['open']);
});

t.test('a challenge is answered with the hash of password and salt', async (t) => {
  const room = new ServerRoom({ password: 'secret' });
  room.hash = async (text, rounds) => `${text}-${rounds}`;
  const { near, far } = begin(room);
  near.announce();
  await room.says(HI_WITH_PASSWORD);
  t.match(far.read, '"pwdhash":"secretabc-4000"');
});

t.test('a hash that cannot be made is a defect, and no unhandled rejection', async (t) => {
  const room = new ServerRoom({ password: 'secret' });
  room.hash = () => Promise.reject(new Error('no thread'));
  const { outcomes, near } = begin(room);
  near.announce();
  await room.says(HI_WITH_PASSWORD);
  t.strictSame(reasons(outcomes), ['bug null']);
  t.match(room.bugs, [{ message: 'no thread' }]);
  t.equal(near.destroyed, true);
});

t.test('a hash that comes too late is not said', async (t) => {
  const room = new ServerRoom({ password: 'secret' });
  let answer: (hash: string) => void = () => {};
  room.hash = () => new Promise((resolve) => (answer = resolve));
  const { outcomes, near, far } = begin(room);
  near.announce();
  await room.says(HI_WITH_PASSWORD);
  room.clock.advance(CONNECT_TIMEOUT_MS);
  answer('late');
  await room.settle();
  t.strictSame(reasons(outcomes), ['handshake_timeout null']);
  t.equal(far.read, '');
});

t.test('a place that is taken back before HELLO ends it, and is no failure', async (t) => {
  const { outcomes, near, far, room } = begin(undefined, { mayGoOn: false, release: () => {} });
  near.announce();
  await room.says(HI);
  t.strictSame(reasons(outcomes), ['not_permitted']);
  t.equal(far.read, '');
  t.equal(near.destroyed, true);
  t.equal(room.clock.timers, 0);
});

for (const [says, what] of [
  ['-ERR no more\r\n', 'ERR no more'],
  ['220 smtp\r\n', 'it does not greet as Faktory does'],
  [`+HI ${'x'.repeat(5000)}`, 'its greeting never ends'],
] as const) {
  t.test(`in place of HI: ${says.slice(0, 12).trim()}`, async (t) => {
    const { room, outcomes, near } = begin();
    near.announce();
    await room.says(says);
    t.strictSame(reasons(outcomes), ['handshake_failed null']);
    t.strictSame(room.refusals, [what]);
    t.equal(near.destroyed, true);
  });
}

for (const [says, what] of [
  ['-ERR Invalid password\r\n', 'ERR Invalid password'],
  ['+NO\r\n', 'it did not accept HELLO'],
  ['+OK\r\n-ERR too many connections: 2001\r\n', 'ERR too many connections: 2001'],
  ['+OK\r\n+OK\r\n', 'it sent more than +OK'],
] as const) {
  t.test(`in place of +OK: ${says.trim().replaceAll('\r\n', ' ')}`, async (t) => {
    const { room, outcomes, near } = begin();
    near.announce();
    await room.says(HI);
    await room.says(says);
    t.strictSame(reasons(outcomes), ['handshake_failed null']);
    t.strictSame(room.refusals, [what]);
  });
}

for (const [code, reason] of [
  ['ECONNREFUSED', 'connect_failed'],
  ['EADDRNOTAVAIL', 'out_of_local_ports'],
  ['EADDRINUSE', 'out_of_local_ports'],
  ['EMFILE', 'out_of_open_files'],
  ['ENFILE', 'out_of_open_files'],
  ['ENOTFOUND', 'name_not_resolved'],
  ['EAI_AGAIN', 'name_not_resolved'],
] as const) {
  t.test(`${code} before it is connected is ${reason}`, async (t) => {
    const { outcomes, near } = begin();
    near.emit('error', Object.assign(new Error(code), { code }));
    near.emit('close');
    t.strictSame(reasons(outcomes), [`${reason} ${code}`]);
  });
}

t.test('a reset in the handshake is a reset, a close is a close', async (t) => {
  const reset = begin();
  reset.near.announce();
  await reset.room.says(HI);
  reset.far.socket.resetAndDestroy();
  await reset.room.settle();
  t.strictSame(reasons(reset.outcomes), ['server_reset ECONNRESET']);

  const closed = begin();
  closed.near.announce();
  await closed.room.says(HI);
  closed.far.socket.end();
  await closed.room.settle();
  t.strictSame(reasons(closed.outcomes), ['server_closed null']);
});

for (const [where, reason] of [
  ['before it is connected', 'connect_timeout'],
  ['before HI', 'handshake_timeout'],
  ['before +OK', 'handshake_timeout'],
] as const) {
  t.test(`its time is over ${where}`, async (t) => {
    const { room, outcomes, near } = begin();
    if (where !== 'before it is connected') near.announce();
    if (where === 'before +OK') await room.says(HI);
    await room.settle();
    room.clock.advance(CONNECT_TIMEOUT_MS - 1);
    t.strictSame(reasons(outcomes), []);
    room.clock.advance(1);
    t.strictSame(reasons(outcomes), [`${reason} null`]);
    t.equal(near.destroyed, true);
    await room.settle();
    t.equal(outcomes.length, 1);
  });
}

t.test(
  'called off before HELLO: FIN, and the outcome is due when Faktory has closed',
  async (t) => {
    const { room, attempt, outcomes, near, far } = begin();
    near.announce();
    await room.settle();
    attempt.callOff();
    attempt.callOff();
    await room.says(HI);
    t.equal(far.hasEnded, true);
    t.strictSame(outcomes, []);
    far.socket.end();
    await room.settle();
    t.strictSame(reasons(outcomes), ['called_off']);
    t.equal(far.read, '');
  },
);

t.test('called off after HELLO: END, so that Faktory closes first', async (t) => {
  const { room, attempt, outcomes, near, far } = begin();
  near.announce();
  await room.says(HI);
  attempt.callOff();
  await room.says('+OK\r\n');
  t.match(far.read, /\}\r\nEND\r\n$/);
  t.equal(far.hasEnded, false);
  t.strictSame(outcomes, []);
  far.socket.end();
  await room.settle();
  t.strictSame(reasons(outcomes), ['called_off']);
});

t.test('called off, and Faktory does not close: it lingers and is given up', async (t) => {
  const { room, attempt, outcomes, near } = begin();
  near.announce();
  await room.says(HI);
  attempt.callOff();
  room.clock.advance(Math.max(LINGER_MS, CONNECT_TIMEOUT_MS));
  await room.settle();
  t.strictSame(reasons(outcomes), ['called_off']);
});

t.test('called off before it is connected: its time goes on', async (t) => {
  const { room, attempt, outcomes } = begin();
  attempt.callOff();
  await room.settle();
  t.strictSame(outcomes, []);
  room.clock.advance(CONNECT_TIMEOUT_MS);
  await room.settle();
  t.strictSame(reasons(outcomes), ['called_off']);
});

t.test('destroyed: it waits for nobody', async (t) => {
  const { room, attempt, outcomes, near } = begin();
  near.announce();
  await room.says(HI);
  attempt.destroy();
  await room.settle();
  t.strictSame(reasons(outcomes), ['called_off']);
});
