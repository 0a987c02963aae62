// What most of these tests begin with: a stand-in Faktory with a bouncer in session mode before it,
// and clients that leave when their test ends; all of it over TLS where OVER_TLS=1.

import type { Test } from 'tap';
import type { Clock } from '../../src/base/clock.ts';
import { type RunningBouncer, type Overrides, startBouncer } from '../support/bouncer.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { RawClient, type RawClientOptions } from '../support/raw-client.ts';
import { ok } from '../support/reply.ts';
import { StandInFaktory, type StandInOptions } from '../support/stand-in-faktory.ts';
import { UNTIL_RELEASED } from '../support/stand-in-jobs.ts';
import { OVER_TLS, tlsHouse } from '../support/tls-house.ts';
import { pushLine } from '../support/push-line.ts';
import { HANGS_MS, until } from '../support/waiting.ts';

export { pushLine } from '../support/push-line.ts';
export { seededRandom } from '../support/seeded-random.ts';

export type ConnectOptions = Omit<RawClientOptions, 'port'>;

export interface House {
  readonly faktory: StandInFaktory;
  readonly bouncer: RunningBouncer;
  /** A client after its handshake, be it admitted or refused. */
  readonly connect: (options?: ConnectOptions) => Promise<RawClient>;
}

const PATIENT: Overrides = { 'server.connect_timeout': '1m', 'waiting_line.timeout': '1m' };

/**
 * The bouncer asks for no INFO and sends no probe, so that the stand-in hears from clients only. Its
 * time is that of the stand-in, in which a busy machine cannot be late; a FakeClock stands until the
 * test moves it, and runs when the test is over.
 */
export async function openHouse(
  t: Test,
  overrides: Overrides = {},
  standIn: StandInOptions = {},
  clock?: Clock,
): Promise<House> {
  // A hash may take long, in a thread that no clock of the test's knows of: whoever waits for a connection waits
  // for it, and what is dialled again would be more than what clients caused.
  const faktory = await StandInFaktory.start({ handshakeMs: HANGS_MS, ...standIn });
  t.teardown(() => faktory.stop());
  const { password } = standIn;
  let stand = (): void => {};
  t.teardown(() => stand());
  const tls = OVER_TLS ? await tlsHouse(t, faktory.port) : null;
  const bouncer = await startBouncer(t, {
    port: faktory.port,
    overrides: {
      'server.info_interval': '0s',
      'writes.probe_interval': '0s',
      ...(password !== undefined && PATIENT),
      ...tls?.overrides,
      ...overrides,
    },
    ...(password !== undefined && { password }),
    ...(clock !== undefined && { clock }),
  });
  // Before the bouncer drains, which waits for FETCHes.
  t.teardown(() => {
    faktory.jobs.blockNoMore();
    if (clock instanceof FakeClock) stand = clock.run();
  });
  await bouncer.isUp();
  return {
    faktory,
    bouncer,
    connect: async (options = {}) => {
      const client = await bouncer.connect(
        tls === null ? options : { tls: tls.client, ...options },
      );
      t.teardown(() => client.reset());
      return client;
    },
  };
}

export interface HeldHouse extends House {
  readonly clock: FakeClock;
}

/** A house whose time stands until the test moves it; a FETCH at Faktory blocks until the test ends it. */
export function openHeld(
  t: Test,
  overrides: Overrides = {},
  standIn: StandInOptions = {},
): Promise<HeldHouse> {
  return held(openHouse, t, overrides, standIn);
}

/** What `open` opens, so held. */
export async function held(
  open: typeof openHouse,
  t: Test,
  overrides: Overrides,
  standIn: StandInOptions,
): Promise<HeldHouse> {
  const clock = new FakeClock();
  const blocking = { fetchBlockMs: UNTIL_RELEASED, ...standIn };
  return { clock, ...(await open(t, overrides, blocking, clock)) };
}

/** Resolves when so many clients of the role wait. */
export async function waitingAre(
  bouncer: RunningBouncer,
  role: 'producer' | 'worker',
  count: number,
): Promise<void> {
  await until(() => bouncer.snapshot().waitingLine.length[role] === count, {
    what: `${count} waiting (${role})`,
  });
}

/** While the bouncer drains, a job comes for a client that has left: it is given back, and none stays. */
export async function drainGivesBack(t: Test, { faktory, bouncer }: House): Promise<void> {
  const drained = bouncer.drain();
  const { jid, line } = pushLine();
  const past = await RawClient.connect({ port: faktory.port });
  t.teardown(() => past.reset());
  t.same(await past.command(line), ok);
  await drained;
  t.same(faktory.jobs.failed, [{ jid, fate: 'retry', errtype: 'ClientGone' }]);
  t.same(faktory.jobs.reservedJids, []);
}
