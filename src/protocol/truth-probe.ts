// A PUSH that finds out whether Faktory's Redis takes writes, and what its reply says. Promise: Faktory
// tells the truth about it, no queue takes the job, and Faktory drops it within 80 s. Pure.
//
// Facts from Faktory v1.7.0: a PUSH whose `at` is in the future goes to Redis by ZADD, whose error is in
// the reply (manager/manager.go Push, storage/sorted_redis.go AddElement); only when it is due does
// Faktory look at the queue's name (manager/scheduler.go), and drops the job, with a warning in its
// log, where the name is not allowed. Redis refuses ZADD when it refuses LPUSH.

import { isOkAt } from './replies.ts';
import { troubleInReply, type RedisTrouble } from './redis-errors.ts';

/** No queue can have this name. Faktory's log, and its page of scheduled jobs, show it. */
const QUEUE = 'faktory-bouncer: does Redis take writes?';

/**
 * Faktory takes due jobs in hundreds, and goes on at once only when all hundred went to their queue:
 * each instant with a probe may put off what is due behind it by 5 s. So all probes of a minute are
 * due at one instant, and being the same bytes they are one job.
 */
const GRID_MS = 60_000;
/** How far the two clocks may differ. */
const AHEAD_MS = 10_000;

/** The `at` of a probe that is sent at `wallMs` (milliseconds since 1970), as RFC 3339. */
export function probeAt(wallMs: number): string {
  const at = Math.ceil((wallMs + AHEAD_MS) / GRID_MS) * GRID_MS;
  // oxlint-disable-next-line no-restricted-globals -- the instant that was given, not now
  return new Date(at).toISOString();
}

/**
 * The line. `jid`: at least 8 characters, the same for each probe of one bouncer. It has no `retry`:
 * Faktory would take that for the default of later jobs.
 */
export function probeLine({ jid, at }: { readonly jid: string; readonly at: string }): Buffer {
  const job = { jid, jobtype: 'faktory-bouncer', args: [], queue: QUEUE, created_at: at, at };
  return Buffer.from(`PUSH ${JSON.stringify(job)}\r\n`);
}

export type ProbeOutcome =
  /** Redis took it. */
  | { readonly kind: 'stored' }
  | RedisTrouble
  /** By Faktory's clock the job was due at once: nothing is known about Redis. */
  | { readonly kind: 'too_early' }
  /** Any other reply. */
  | { readonly kind: 'unknown' };

const NAME_REFUSED = Buffer.from(
  `-ERR cannot get ${JSON.stringify(QUEUE)} queue: queue names must`,
);

/** The meaning of the whole reply to a probe. */
export function probeOutcome(reply: Buffer): ProbeOutcome {
  if (isOkAt(reply, 0)) return { kind: 'stored' };
  if (reply.subarray(0, NAME_REFUSED.length).equals(NAME_REFUSED)) return { kind: 'too_early' };
  return troubleInReply(reply) ?? { kind: 'unknown' };
}
