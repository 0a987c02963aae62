// Faktory's Redis refuses writes, stands still, or ends and comes back, under clients that do not
// pause. What Faktory acknowledges before anything can be known of it may be lost; docs/modes.md names it.

import { Redis } from 'ioredis';
import t from 'tap';
import { signal, whileStopped } from '../../bench/harness/signals.ts';
import type { Overrides, RunningBouncer } from '../support/bouncer.ts';
import { requireFaktory } from '../support/real-faktory.ts';
import { askRedis, RedisServer } from '../support/redis.ts';
import { unreservedIn } from '../support/job-accounts.ts';
import { isAlive } from '../support/server-process.ts';
import { STARTS_MS, until } from '../support/waiting.ts';
import { type Allowed, MODES, ordeal, type Ordeal, PRODUCERS } from './support/ordeal.ts';

const skip = requireFaktory(t) === undefined;
t.jobs = 2;

/** The bouncer looks often: what it cannot know is little. */
const WATCHFUL: Overrides = { 'writes.probe_interval': '200ms' };

async function stateIs({ bouncer }: Ordeal, isSound: boolean): Promise<void> {
  await until(() => (bouncer.snapshot().writes.state === 'sound') === isSound, {
    what: isSound ? 'writes to be sound again' : 'writes to be held',
    withinMs: 60_000,
  });
}

/** Every producer waits: what it was acknowledged before, it has read. */
async function allAreHeld(bouncer: RunningBouncer): Promise<void> {
  await until(() => bouncer.snapshot().writes.held === PRODUCERS, {
    what: 'all writes to be held',
    withinMs: 30_000,
  });
}

/** Jobs that were acknowledged while nobody could know of the fault may be lost; no other may. */
function untilKnown({ market }: Ordeal): { known: () => void; allowed: Allowed } {
  const from = market.pushed.length;
  let to = Infinity;
  return {
    known: () => {
      to = market.pushed.length;
    },
    allowed: {
      mayLose: (lost) => {
        const mayBe = new Set(market.pushed.slice(from, to));
        const others = lost.filter((jid) => !mayBe.has(jid));
        return others.length <= unreservedIn(market);
      },
    },
  };
}

/** The options that give a Redis the same `names` as the one that runs. */
async function settingsOf(redisSocket: string, names: readonly string[]): Promise<string[]> {
  const redis = new Redis({ path: redisSocket });
  try {
    const found = await Promise.all(names.map((name) => redis.config('GET', name)));
    return found.flatMap((pair) => {
      const [name, value] = pair as [string, string];
      return [`--${name}`, value];
    });
  } finally {
    redis.disconnect();
  }
}

for (const mode of MODES) {
  t.test(`Redis refuses writes for a while (${mode})`, { skip, buffered: true }, (t) =>
    ordeal(t, mode, { overrides: WATCHFUL }, async (house) => {
      const { faktory, bouncer } = house;
      const { known, allowed } = untilKnown(house);
      await askRedis(faktory.redisSocket, 'CONFIG', 'SET', 'maxmemory', '1');
      await stateIs(house, false);
      await allAreHeld(bouncer);
      // Answers that were on their way come before those of commands that are held.
      known();
      await askRedis(faktory.redisSocket, 'CONFIG', 'SET', 'maxmemory', '0');
      await stateIs(house, true);
      return allowed;
    }),
  );

  t.test(`Redis stands still for a while (${mode})`, { skip, buffered: true }, (t) =>
    ordeal(t, mode, { overrides: WATCHFUL }, async (house) => {
      await whileStopped(await house.faktory.redisPid(), () => stateIs(house, false));
      await stateIs(house, true);
    }),
  );

  t.test(`Redis ends, and is started again (${mode})`, { skip, buffered: true }, (t) =>
    ordeal(t, mode, { overrides: WATCHFUL }, async (house) => {
      const { redisSocket } = house.faktory;
      const settings = await settingsOf(redisSocket, ['dir', 'dbfilename']);
      const { known, allowed } = untilKnown(house);
      // Unlike after SIGKILL it saves what it holds, and Faktory stays: what is lost is not their doing.
      const pid = await house.faktory.redisPid();
      signal(pid, 'SIGTERM');
      await stateIs(house, false);
      await allAreHeld(house.bouncer);
      known();
      // As it ends it removes the socket, which would be that of the next one.
      await until(() => !isAlive(pid), { what: 'Redis to end', withinMs: STARTS_MS });
      const redis = await RedisServer.start(t, redisSocket, ...settings);
      await stateIs(house, true);
      house.atEnd(() => redis.stop());
      return allowed;
    }),
  );
}
