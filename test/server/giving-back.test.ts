// Jobs that the bouncer gives back over its own connection: across losses, and never into an outage.

import t from 'tap';
import { Live } from '../../src/base/live.ts';
import type { FetchedJob } from '../../src/protocol/job.ts';
import { ControlConnection } from '../../src/server/control-connection.ts';
import { Pause } from '../../src/server/pause.ts';
import { WriteHealth } from '../../src/server/write-health.ts';
import { IDLE_GUARD } from './support/idle-guard.ts';
import { OWN_HELLO, ServerRoom } from './support/room.ts';

const REFUSED = { kind: 'refused', reason: 'OOM command not allowed' } as const;
const JOB: FetchedJob = {
  jid: 'jid-1',
  queue: 'q',
  fateOnFailure: 'retry',
  reply: Buffer.from('$2\r\n{}\r\n'),
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
    gaveBack: ({ jid }: FetchedJob, wasReserved: boolean) =>
      void fates.push(`${jid} ${wasReserved ? 'given back' : 'left'}`),
  };
  control.start();
  return { room, control, writeHealth, pause, giver, fates };
}

t.test('while the bouncer is paused the FAIL waits; it goes once afterwards', async (t) => {
  const { room, control, pause, giver } = house();
  const far = await room.accept();
  pause.set(true);
  control.giveBack(JOB, giver);
  await room.settle();
  t.equal(far.read, '');
  pause.set(false);
  await room.settle();
  t.match(far.read, /^FAIL .*jid-1/);
});

t.test('while Redis refuses writes the FAIL waits; it goes once when they are taken', async (t) => {
  const { room, control, writeHealth, giver, fates } = house();
  const far = await room.accept();
  writeHealth.sawTrouble(0, REFUSED);
  control.giveBack(JOB, giver);
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
  t.same(fates, ['jid-1 given back']);
  t.equal(control.pending, 0);
});

t.test('a new connection does not send it into the outage either', async (t) => {
  const { room, control, writeHealth, giver } = house();
  const first = await room.accept();
  control.giveBack(JOB, giver);
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

t.test('at a stop those that were never confirmed count as left reserved', async (t) => {
  const { room, control, writeHealth, giver, fates } = house();
  await room.accept();
  writeHealth.sawTrouble(0, REFUSED);
  control.giveBack(JOB, giver);
  control.stop();
  await room.settle();
  t.same(fates, ['jid-1 left']);
  t.equal(control.pending, 0);
});
