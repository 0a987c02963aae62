// Jobs that the bouncer gives back over its own connection: across losses, and never into an outage.

import t from 'tap';
import { Live } from '../../src/base/live.ts';
import type { ReservedJob } from '../../src/protocol/job.ts';
import { ControlConnection } from '../../src/server/control-connection.ts';
import type { GiveBackOutcome } from '../../src/server/giving-back.ts';
import { Pause } from '../../src/server/pause.ts';
import { WriteHealth } from '../../src/server/write-health.ts';
import { IDLE_GUARD } from './support/idle-guard.ts';
import { OWN_HELLO, ServerRoom } from './support/room.ts';

const REFUSED = { kind: 'refused', reason: 'OOM command not allowed' } as const;
const JOB: ReservedJob = {
  jid: 'jid-1',
  queue: 'q',
  fateOnFailure: 'retry',
  reservedForMs: 60_000,
};

function house() {
  const room = new ServerRoom();
  const writeHealth = new WriteHealth(
    new Live({ lateReply: 'on', hang: 'on', refused: 'on', probeIntervalMs: 1000 }),
  );
  const { servers, clock, health, settings } = room;
  const pause = new Pause();
  const control = new ControlConnection({
    servers,
    clock,
    hello: OWN_HELLO,
    health,
    writeHealth,
    pause,
    settings,
    infoGuard: IDLE_GUARD,
    infoOutcomes: room.counts.info,
  });
  const fates: string[] = [];
  const giver = {
    gaveBack: ({ jid }: ReservedJob, outcome: GiveBackOutcome) =>
      void fates.push(`${jid} ${outcome}`),
  };
  const giveBack = (): void => control.giveBack(JOB, clock.now(), giver);
  control.start();
  return { room, control, writeHealth, pause, giveBack, fates };
}

t.test('while the bouncer is paused the FAIL waits; it goes once afterwards', async (t) => {
  const { room, pause, giveBack } = house();
  const far = await room.accept();
  pause.set(true);
  giveBack();
  await room.settle();
  t.equal(far.read, '');
  pause.set(false);
  await room.settle();
  t.match(far.read, /^FAIL .*jid-1/);
});

t.test('while Redis refuses writes the FAIL waits; it goes once when they are taken', async (t) => {
  const { room, control, writeHealth, giveBack, fates } = house();
  const far = await room.accept();
  writeHealth.sawTrouble(0, REFUSED);
  giveBack();
  await room.settle();
  t.equal(far.read, '');
  t.equal(control.pending, 1);
  writeHealth.sawRedisAccept(1);
  writeHealth.sawTrouble(2, REFUSED);
  writeHealth.sawRedisAccept(3);
  await room.settle();
  t.equal(far.read.match(/^FAIL /gm)?.length, 1, 'the state has changed twice');
  t.match(far.read, JOB.jid);
  await room.says('+OK\r\n');
  t.same(fates, ['jid-1 given_back']);
  t.equal(control.pending, 0);
});

t.test('a new connection does not send it into the outage either', async (t) => {
  const { room, writeHealth, giveBack } = house();
  const first = await room.accept();
  giveBack();
  await room.settle();
  t.match(first.read, /^FAIL /);
  writeHealth.sawTrouble(0, REFUSED);
  first.socket.resetAndDestroy();
  await room.settle();
  room.clock.advance(1000);
  const second = await room.accept();
  await room.settle();
  t.equal(second.read, '');
  writeHealth.sawRedisAccept(1);
  await room.settle();
  t.match(second.read, /^FAIL /, 'what became of the first is not known');
});

t.test('at a stop those that were never sent count as left reserved', async (t) => {
  const { room, control, writeHealth, giveBack, fates } = house();
  await room.accept();
  writeHealth.sawTrouble(0, REFUSED);
  giveBack();
  control.stop();
  await room.settle();
  t.same(fates, ['jid-1 left_reserved']);
  t.equal(control.pending, 0);
});

t.test('at a stop those that were sent and not answered are unconfirmed', async (t) => {
  const { room, control, giveBack, fates } = house();
  await room.accept();
  giveBack();
  control.stop();
  await room.settle();
  t.same(fates, ['jid-1 unconfirmed']);
});

t.test('of a job that was reserved twice each giving back is told', async (t) => {
  const { room, control, giveBack, fates } = house();
  await room.accept();
  giveBack();
  giveBack();
  t.equal(control.pending, 2);
  await room.says('+OK\r\n');
  await room.says('-ERR Job not found jid-1\r\n');
  t.same(fates, ['jid-1 given_back', 'jid-1 left_reserved']);
  t.equal(control.pending, 0);
});

/** The connection with a FAIL on it is lost; the next may carry one when `afterMs` have passed. */
async function lost(afterMs: number, last = '') {
  const set = house();
  const { room, writeHealth, giveBack } = set;
  const first = await room.accept();
  giveBack();
  await room.says(last);
  writeHealth.sawTrouble(0, REFUSED);
  first.socket.resetAndDestroy();
  await room.settle();
  room.clock.advance(1000);
  const second = await room.accept();
  room.clock.advance(afterMs - 1000);
  writeHealth.sawRedisAccept(1);
  await room.settle();
  return { ...set, second };
}

for (const [reply, fate] of [
  ['+OK', 'given_back'],
  // The first was executed.
  ['-ERR Job not found jid-1', 'given_back'],
  ['-ERR cannot store it', 'left_reserved'],
] as const) {
  t.test(`a FAIL that is sent again soon, and answered ${reply}`, async (t) => {
    const { room, control, fates } = await lost(9000);
    t.equal(control.pending, 1);
    await room.says(`${reply}\r\n`);
    t.same(fates, [`jid-1 ${fate}`]);
    t.equal(control.pending, 0);
  });
}

t.test('one that Faktory does not hold at once was not given back', async (t) => {
  const { room, giveBack, fates } = house();
  await room.accept();
  giveBack();
  await room.says('-ERR Job not found jid-1\r\n');
  t.same(fates, ['jid-1 left_reserved']);
});

t.test(
  'a FAIL of which nothing is known is not sent when another worker may have the job',
  async (t) => {
    const { control, fates, second } = await lost(11_000);
    t.equal(second.read, '');
    t.same(fates, ['jid-1 unconfirmed']);
    t.equal(control.pending, 0);
  },
);

t.test('the same after a pause that has lasted too long', async (t) => {
  const { room, pause, giveBack, fates } = house();
  const first = await room.accept();
  giveBack();
  await room.settle();
  pause.set(true);
  first.socket.resetAndDestroy();
  await room.settle();
  room.clock.advance(1000);
  const second = await room.accept();
  room.clock.advance(10_000);
  pause.set(false);
  await room.settle();
  t.equal(second.read, '');
  t.same(fates, ['jid-1 unconfirmed']);
});

t.test('one that met the shutdown was not executed: it goes however late', async (t) => {
  const { fates, second } = await lost(20_000, '-ERR shutdown in progress\r\n');
  t.same(fates, []);
  t.match(second.read, /^FAIL /);
});

t.test('no FAIL is sent once the reservation may have run out', async (t) => {
  const { room, writeHealth, giveBack, fates } = house();
  const far = await room.accept();
  writeHealth.sawTrouble(0, REFUSED);
  giveBack();
  room.clock.advance(JOB.reservedForMs - 9000);
  writeHealth.sawRedisAccept(1);
  await room.settle();
  t.notMatch(far.read, 'FAIL');
  t.same(fates, ['jid-1 left_reserved']);
});
