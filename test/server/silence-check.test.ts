// A Faktory that falls silent: as a whole, so that the dial that follows finds it out; and on one
// connection, which is given up only while the bouncer's own proves that Faktory answers.

import t from 'tap';
import { Live } from '../../src/base/live.ts';
import { Command } from '../../src/protocol/command.ts';
import type { Verb } from '../../src/protocol/verbs.ts';
import type { ControlConnection } from '../../src/server/control-connection.ts';
import { Patience } from '../../src/server/patience.ts';
import { SilenceCheck } from '../../src/server/silence-check.ts';
import { controlOf, type FarEnd, NotedCommand, NotingOwner, ServerRoom } from './support/room.ts';

const ANSWER_TIMEOUT_MS = 60_000;

class House {
  readonly room = new ServerRoom({ answerTimeoutMs: ANSWER_TIMEOUT_MS });
  readonly control: ControlConnection;
  readonly check: SilenceCheck;
  /** Faktory's end of the own connection. */
  own: FarEnd | null = null;

  constructor() {
    const { servers, clock, settings } = this.room;
    this.control = controlOf(this.room);
    this.check = new SilenceCheck({ clock, settings, own: this.control, servers });
  }

  async open(): Promise<void> {
    this.control.start();
    this.check.start();
    this.own = await this.room.accept();
  }

  /** The bouncer asks over its own connection, and is answered after `ms`. */
  async answersAfter(ms: number): Promise<void> {
    this.ask();
    await this.passes(ms);
    this.own?.socket.write('+OK\r\n');
    await this.room.settle();
  }

  ask(): void {
    const sink = { onReply: () => {}, onLost: () => {} };
    this.control.ask(new Command('INFO', Buffer.from('INFO\r\n'), this.room.clock.now(), sink));
  }

  async passes(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 500) {
      this.room.clock.advance(Math.min(500, left));
      await this.room.settle();
    }
  }

  /** Time passes in which Faktory answers the bouncer every five seconds. */
  async passesWell(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 5000) {
      await this.answersAfter(0);
      await this.passes(Math.min(5000, left));
    }
  }

  /** Another connection, over which `verb` has been sent. */
  async asked(verb: Verb): Promise<NotedCommand> {
    const connection = this.room.connection(new NotingOwner());
    await this.room.accept();
    const command = new NotedCommand(verb);
    connection.send(command);
    return command;
  }
}

t.test('a Faktory that hangs is down when it has owed an answer for 5 s', async (t) => {
  const house = new House();
  await house.open();
  const { room } = house;
  house.ask();
  await house.passes(4500);
  t.equal(room.health.isUp, true);
  t.equal(room.dialled.length, 1);
  await house.passes(1500);
  t.equal(room.dialled.length, 2, 'it is dialled again');
  t.equal(room.counts.ends.values.unanswered, 1);
  t.equal(room.health.isUp, true, 'nobody knows yet');
  room.dial().near.announce();
  await house.passes(2500);
  t.strictSame(room.healthChanges, ['up', 'down: handshake_timeout']);
  await house.passes(1000);
  await room.accept();
  t.strictSame(room.healthChanges, ['up', 'down: handshake_timeout', 'up'], 'it goes on');
});

t.test(
  'a connection that was lost unnoticed is replaced, and Faktory is up all along',
  async (t) => {
    const house = new House();
    await house.open();
    house.ask();
    await house.passes(6000);
    await house.room.accept();
    await house.passes(60_000);
    t.strictSame(house.room.healthChanges, ['up']);
    t.equal(house.room.dialled.length, 2);
  },
);

t.test('one that owes nothing is left alone', async (t) => {
  const house = new House();
  await house.open();
  await house.passes(300_000);
  t.equal(house.room.dialled.length, 1);
});

t.test('a process that stood still gives nothing up for it', async (t) => {
  const house = new House();
  await house.open();
  house.ask();
  await house.passes(4000);
  house.room.clock.leap(3_600_000);
  house.own?.socket.write('+OK\r\n');
  await house.room.settle();
  await house.passes(10_000);
  t.equal(house.room.dialled.length, 1);
});

t.test('a slow answer is waited for longer each time, and a quick one ends that', async (t) => {
  const patience = new Patience();
  const waits: number[] = [];
  for (let n = 0; n < 6; n += 1) {
    waits.push(patience.ms);
    patience.gaveUp();
    patience.opened();
  }
  t.same(waits, [5000, 10_000, 20_000, 40_000, 60_000, 60_000]);
  patience.answered(20_000);
  t.equal(patience.ms, 60_000, 'a slow answer changes nothing');
  patience.opened();
  t.equal(patience.ms, 60_000, 'nor a connection that was lost otherwise');
  patience.answered(10);
  t.equal(patience.ms, 5000);
  patience.gaveUp();
  patience.dialFailed();
  patience.opened();
  t.equal(patience.ms, 5000, 'it did hang');
});

for (const verb of ['PUSH', 'PUSHB', 'FETCH', 'ACK', 'FAIL', 'BEAT'] as const) {
  t.test(`${verb} on a silent connection is lost after the timeout, not before`, async (t) => {
    const house = new House();
    await house.open();
    const command = await house.asked(verb);
    await house.passesWell(ANSWER_TIMEOUT_MS - 5000);
    t.same(command.told, []);
    await house.passesWell(10_000);
    t.same(command.told, ['unanswered']);
    t.equal(house.room.places, 0, 'and its place is free');
  });
}

t.test('a verb that may take any time is waited for', async (t) => {
  const house = new House();
  await house.open();
  const command = await house.asked('INFO');
  await house.passesWell(600_000);
  t.same(command.told, []);
});

t.test('nothing is lost while Faktory answers nobody', async (t) => {
  const house = new House();
  await house.open();
  const command = await house.asked('FETCH');
  house.ask();
  for (let n = 0; n < 100; n += 1) {
    await house.passes(3000);
    // Each dial connects, and Faktory says nothing: it stands still.
    house.room.dial().near.announce();
  }
  t.same(command.told, []);
  t.equal(house.room.health.isUp, false);
});

t.test('a connection that closes, and owes an answer, gives its place back', async (t) => {
  const house = new House();
  await house.open();
  const { room } = house;
  const connection = room.connection(new NotingOwner());
  await room.accept();
  connection.send(new NotedCommand('FETCH'));
  connection.close('client_gone');
  await house.passesWell(ANSWER_TIMEOUT_MS - 5000);
  t.equal(room.places, 1);
  await house.passesWell(10_000);
  t.equal(room.places, 0);
});

t.test('with a timeout of 0 no connection is given up', async (t) => {
  const house = new House();
  house.room.settings.replace({ ...house.room.settings.current, answerTimeoutMs: 0 });
  await house.open();
  const command = await house.asked('PUSH');
  await house.passesWell(600_000);
  t.same(command.told, []);
});

t.test(
  'when the own connection was lost, others that are not heard from have less time',
  async (t) => {
    const house = new House();
    await house.open();
    const { room } = house;
    const told = [await house.asked('PUSH'), await house.asked('FETCH')];
    const slow = await house.asked('INFO');
    const idle = new NotingOwner();
    room.connection(idle);
    await room.accept();
    const worker = new NotingOwner();
    room.connection(worker, { lane: 'fetch' });
    await room.accept();
    house.ask();
    await house.passes(6000);
    // The dial that follows finds Faktory well.
    house.own = await room.accept();
    const fresh = new NotingOwner();
    room.connection(fresh);
    await room.accept();
    await house.answersAfter(0);
    await house.passes(1500);
    t.same(told.map((command) => command.told).flat(), [], 'not at once');
    await house.passesWell(10_000);
    t.same(told.map((command) => command.told).flat(), ['unanswered', 'unanswered']);
    t.same(idle.heard, ['open', 'end: unanswered'], 'the next command would be lost on it');
    t.same(worker.heard, ['open'], 'it keeps a worker known');
    t.same(fresh.heard, ['open'], 'it was opened since');
    t.same(slow.told, [], 'it may take longer');
    await house.passesWell(ANSWER_TIMEOUT_MS);
    t.same(slow.told, ['unanswered']);
  },
);

t.test('an own connection that is slow by nature casts no doubt on others', async (t) => {
  const house = new House();
  await house.open();
  const { room } = house;
  const idle = new NotingOwner();
  room.connection(idle);
  await room.accept();
  house.ask();
  await house.passes(6000);
  house.own = await room.accept();
  await house.answersAfter(4000);
  await house.passesWell(120_000);
  t.same(idle.heard, ['open']);
});

t.test('an answer that is here when time is up is read first', async (t) => {
  // As libuv does: what is due runs first, then sockets are read, then what was due meanwhile runs.
  const due: (() => void)[] = [];
  let now = 0;
  const clock = {
    now: () => now,
    after: (_ms: number, act: () => void) => {
      due.push(act);
      return { cancel: () => {} };
    },
  };
  let isOwing = true;
  const gaveUp: number[] = [];
  const own = {
    checkSilence: (at: number) => void (isOwing && gaveUp.push(at)),
    answeringSince: () => null,
    answeredAt: 0,
    lossFoundAt: -Infinity,
  };
  const servers = { giveUpSilent: () => 0, giveUpDoubted: () => {} };
  const settings = new Live({ answerTimeoutMs: ANSWER_TIMEOUT_MS });
  new SilenceCheck({ clock, settings, own, servers }).start();
  const turn = (): void => {
    for (const act of due.splice(0)) act();
  };
  now = 1000;
  turn();
  isOwing = false;
  turn();
  t.same(gaveUp, []);
  isOwing = true;
  now = 2000;
  turn();
  turn();
  t.same(gaveUp, [2000]);
});
