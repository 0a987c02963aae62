// Faktory's health, from the bouncer's own connection alone.

import t from 'tap';
import type { ControlConnection } from '../../src/server/control-connection.ts';
import { leaseOf } from './support/lease.ts';
import { controlOf, HI, NotingOwner, ServerRoom } from './support/room.ts';

function house(): { room: ServerRoom; control: ControlConnection } {
  const room = new ServerRoom();
  return { room, control: controlOf(room) };
}

t.test('it is up with the own connection, and nothing before', async (t) => {
  const { room, control } = house();
  t.equal(room.health.isUp, false);
  control.start();
  t.equal(room.health.isUp, false);
  await room.accept();
  t.equal(room.health.isUp, true);
  t.strictSame(room.healthChanges, ['up']);
});

t.test('what keeps it away while it is up: the shared limit, or time', async (t) => {
  const { room, control } = house();
  control.start();
  await room.accept();
  t.equal(room.health.obstacle, 'slow');
  const lease = leaseOf(0);
  room.parts.permits.restOn(lease);
  t.equal(room.health.obstacle, 'shared_limit');
  lease.places = 1;
  t.equal(room.health.obstacle, 'slow');
});

t.test("another connection's dials change nothing, whatever becomes of them", async (t) => {
  const { room, control } = house();
  control.start();
  const own = await room.accept();
  for (let n = 0; n < 5; n += 1) {
    const connection = room.connection(new NotingOwner());
    room.clock.advance(1000);
    const { near } = room.dial();
    near.emit('error', Object.assign(new Error('connect'), { code: 'EADDRNOTAVAIL' }));
    await room.settle();
    t.equal(room.health.lastFailure, 'out_of_local_ports');
    connection.close('client_gone');
  }
  t.strictSame(room.healthChanges, ['up']);
  t.equal(control.isOpen, true, 'and the healthy connection is not closed for it');
  t.equal(own.hasEnded, false);
  t.equal(own.read, '');
  t.equal(room.counts.ends.values.out_of_local_ports, 5);
});

t.test(
  'it is down with its first failed dial, and up again with the next that succeeds',
  async (t) => {
    const { room, control } = house();
    control.start();
    const own = await room.accept();
    own.socket.resetAndDestroy();
    await room.settle();
    t.equal(room.health.isUp, true, 'lost, and not dialled yet');
    for (let n = 0; n < 3; n += 1) {
      room.clock.advance(1000);
      room.dial().far.socket.resetAndDestroy();
      await room.settle();
    }
    t.equal(room.health.isUp, false);
    room.clock.advance(1000);
    await room.accept();
    t.equal(room.health.isUp, true);
    t.strictSame(room.healthChanges, ['up', 'down: connect_failed', 'up']);
  },
);

t.test('a refused login is known as such, whoever met it, until a dial succeeds', async (t) => {
  const { room, control } = house();
  control.start();
  await room.accept();
  room.connection(new NotingOwner());
  room.dial().near.announce();
  await room.says(HI);
  await room.says('-ERR Invalid password\r\n');
  t.equal(room.health.obstacle, 'login');
  t.equal(room.health.isUp, true);
  room.clock.advance(1000);
  await room.accept();
  t.equal(room.health.obstacle, 'slow', 'Faktory is up: nothing but time is in the way');
});
