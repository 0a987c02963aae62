// Crowds that do nothing useful: clients that connect and say nothing, that read nothing, that send one
// byte a second; and all of them at once after a restart. A few hundred; FAULT_CLIENTS=10000 for as many
// as one machine can open.

import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { requireFaktory } from '../support/real-faktory.ts';
import { until } from '../support/waiting.ts';
import { Crowd } from './support/crowd.ts';
import { MODES, ordeal, type Ordeal } from './support/ordeal.ts';

const skip = requireFaktory(t) === undefined;
const CLIENTS = Number(process.env['FAULT_CLIENTS'] ?? 300);
/** This process has the bouncer's ends: the files of one crowd of thousands at a time. */
t.jobs = CLIENTS > 1000 ? 1 : 2;

const OVERRIDES = {
  'limits.clients': CLIENTS + 200,
  'limits.handshakes': Math.max(100, Math.ceil(CLIENTS / 10)),
  handshake_timeout: '500ms',
  write_stall_timeout: '2s',
};

const HELLO = 'HELLO {"v":2}\r\n';
const UNREAD_COMMANDS = 2000;

function gather(
  t: Test,
  { bouncer }: Ordeal,
  does: { first: string; reads: boolean },
): Promise<Crowd> {
  return Crowd.gather(t, { kind: 'gather', port: bouncer.port, clients: CLIENTS, ...does });
}

async function leaveNothing({ bouncer }: Ordeal, crowd: Crowd): Promise<void> {
  await crowd.leave();
  await until(() => bouncer.snapshot().clients.unknown.handshake === 0, {
    what: 'the crowd to be forgotten',
    withinMs: 60_000,
  });
}

for (const mode of MODES) {
  const options = { overrides: OVERRIDES };

  t.test(`${CLIENTS} clients that say nothing (${mode})`, { skip, buffered: true }, (t) =>
    ordeal(t, mode, options, async (house) => {
      const crowd = await gather(t, house, { first: '', reads: true });
      await house.works();
      await until(() => crowd.closed === CLIENTS, { what: 'their time to end', withinMs: 120_000 });
      await leaveNothing(house, crowd);
    }),
  );

  t.test(`${CLIENTS} clients that send a byte a second (${mode})`, { skip, buffered: true }, (t) =>
    ordeal(t, mode, options, async (house) => {
      const crowd = await gather(t, house, { first: 'H', reads: true });
      for (const byte of 'ELL') {
        await sleep(1000);
        crowd.send(byte);
      }
      await house.works();
      await until(() => crowd.closed === CLIENTS, { what: 'their time to end', withinMs: 120_000 });
      await leaveNothing(house, crowd);
    }),
  );

  t.test(`${CLIENTS} clients that read nothing (${mode})`, { skip, buffered: true }, (t) =>
    ordeal(t, mode, { overrides: { ...OVERRIDES, handshake_timeout: '4s' } }, async (house) => {
      // The guard answers each of them, at length. In session mode they hold places, which others need.
      const first = HELLO + 'PUSH\r\n'.repeat(UNREAD_COMMANDS);
      const crowd = await gather(t, house, { first, reads: false });
      await house.works();
      await leaveNothing(house, crowd);
    }),
  );

  t.test(`all come back at once after a restart (${mode})`, { skip, buffered: true }, (t) => {
    // In session mode each holds a server connection.
    const idle = mode === 'session' ? Math.min(CLIENTS, 700) : CLIENTS;
    const overrides = { ...OVERRIDES, handshake_timeout: '4s', 'limits.server_connections': 900 };
    return ordeal(t, mode, { overrides }, async ({ faktory, bouncer, market, works }) => {
      const crowd = await Crowd.gather(t, {
        kind: 'come_again',
        port: bouncer.port,
        clients: idle,
      });
      const all = (): boolean => bouncer.snapshot().clients.producer.open >= idle;
      await until(all, { what: 'all clients to be in', withinMs: 240_000 });
      await faktory.kill();
      await faktory.startAgain();
      await until(all, { what: 'all clients to be in again', withinMs: 240_000 });
      await works();
      const { peaks, limits } = bouncer.snapshot();
      t.ok(peaks.serverConnections <= limits.serverConnections, 'within the cap');
      t.comment(`${market.closed + crowd.closed} connections closed`);
      await crowd.leave();
      return { mayLose: (lost) => lost.length <= 9 };
    });
  });
}
