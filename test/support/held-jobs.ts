// What Faktory still holds, read from its Redis: the second half of every ledger.

import { Redis } from 'ioredis';
import type { RealFaktory } from './real-faktory.ts';

/** The bouncer's own probes (protocol/truth-probe.ts): two of them are scheduled as a minute turns. */
const PROBE = '"jobtype":"faktory-bouncer"';

/** The jids of clients' jobs that Faktory still holds, by where; from its Redis. */
export async function heldByFaktory(faktory: RealFaktory): Promise<Map<string, string[]>> {
  const redis = new Redis({ path: faktory.redisSocket });
  const held = new Map<string, string[]>();
  try {
    const found: [string, string[]][] = [['queued', await redis.lrange('default', '0', '-1')]];
    for (const set of ['retries', 'dead', 'scheduled', 'working']) {
      found.push([set, await redis.zrange(set, '0', '-1')]);
    }
    for (const [where, entries] of found) {
      for (const entry of entries) {
        if (entry.includes(PROBE)) continue;
        const jid = /"jid":"([^"]+)"/.exec(entry)?.[1] ?? '';
        held.set(jid, [...(held.get(jid) ?? []), where]);
      }
    }
  } finally {
    redis.disconnect();
  }
  return held;
}
