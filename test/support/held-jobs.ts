// What Faktory still holds, read from its Redis: the second half of every ledger.

import { Redis } from 'ioredis';
import type { RealFaktory } from './real-faktory.ts';
import { until } from './waiting.ts';

/** The bouncer's own probes (protocol/truth-probe.ts): two of them are scheduled as a minute turns. */
const PROBE = '"jobtype":"faktory-bouncer"';
const SETS = ['retries', 'dead', 'scheduled', 'working'] as const;

/** Where Faktory holds which jid. */
export type Held = ReadonlyMap<string, readonly string[]>;

/** Every job that the Faktory of this Redis holds at one moment, as it is stored, with where it is. */
export async function storedJobs(
  redisSocket: string,
): Promise<readonly { readonly where: string; readonly text: string }[]> {
  const redis = new Redis({ path: redisSocket });
  try {
    const looks = redis.multi().lrange('default', '0', '-1');
    for (const set of SETS) looks.zrange(set, '0', '-1');
    const replies = (await looks.exec()) ?? [];
    return ['queued', ...SETS].flatMap((where, index) => {
      const [error, texts] = replies[index] ?? [new Error('Cannot read what Faktory holds')];
      if (error !== null) throw error;
      return (texts as string[]).map((text) => ({ where, text }));
    });
  } finally {
    redis.disconnect();
  }
}

/** The jids of clients' jobs that Faktory holds at one moment. */
export async function heldByFaktory(faktory: RealFaktory): Promise<Held> {
  const held = new Map<string, string[]>();
  for (const { where, text } of await storedJobs(faktory.redisSocket)) {
    if (text.includes(PROBE)) continue;
    const jid = /"jid":"([^"]+)"/.exec(text)?.[1] ?? '';
    held.set(jid, [...(held.get(jid) ?? []), where]);
  }
  return held;
}

/**
 * What Faktory holds when `isComplete`, or else after `HANGS_MS`. On its way from one place to the next a job is in
 * none: what seems to be lost is looked for again.
 */
export async function heldInTheEnd(
  faktory: RealFaktory,
  isComplete: (held: Held) => boolean,
): Promise<Held> {
  let held = await heldByFaktory(faktory);
  await until(async () => isComplete(held) || isComplete((held = await heldByFaktory(faktory))), {
    what: 'no job to be missing',
  }).catch(() => undefined);
  return held;
}
