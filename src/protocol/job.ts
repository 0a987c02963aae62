// The job in FETCH's reply. Promise: what is needed to find another taker or to give it back.

import { bulkBody } from './replies.ts';
import { parseJsonObject } from './go-json.ts';

/** What Faktory does with a job that failed: client/job.go RetryPolicy. */
export type FateOnFailure = 'retry' | 'dead' | 'discarded';

/** A job that is reserved. */
export interface ReservedJob {
  readonly jid: string;
  readonly queue: string;
  readonly fateOnFailure: FateOnFailure;
  /** For how long Faktory hands it to nobody else, in ms. */
  readonly reservedForMs: number;
}

export interface FetchedJob extends ReservedJob {
  /** The reply as Faktory wrote it. */
  readonly reply: Buffer;
}

/** The job in a whole reply to FETCH, or null if the reply holds none. */
export function parseFetchedJob(reply: Buffer): FetchedJob | null {
  const body = bulkBody(reply);
  if (body === null) return null;
  const job = parseJsonObject(body.toString());
  if (job === null) return null;
  const { jid, queue, retry, failure, reserve_for: reserveFor } = job as Record<string, unknown>;
  if (typeof jid !== 'string' || typeof queue !== 'string') return null;
  return {
    jid,
    queue,
    fateOnFailure: fateOnFailure(retry, failure),
    reservedForMs: reservedForMs(reserveFor),
    reply,
  };
}

/** Faktory's default is 25 tries (client/job.go RetryPolicyDefault); manager/retry.go counts them. */
function fateOnFailure(retry: unknown, failure: unknown): FateOnFailure {
  const tries = typeof retry === 'number' ? retry : 25;
  if (tries === 0) return 'discarded';
  const earlier = (failure as { retry_count?: unknown } | null | undefined)?.retry_count;
  const retryCount = typeof earlier === 'number' ? earlier + 1 : 0;
  return retryCount < tries ? 'retry' : 'dead';
}

/** In seconds: 30 minutes by default, one minute at least, one day at most (v1.7.0 manager/working.go reserve). */
function reservedForMs(reserveFor: unknown): number {
  const seconds = typeof reserveFor === 'number' && reserveFor !== 0 ? reserveFor : 1800;
  return Math.min(Math.max(seconds, 60), 86_400) * 1000;
}

/** The FAIL line that gives `job` back. */
export function giveBackLine(job: ReservedJob): string {
  const failure = {
    jid: job.jid,
    errtype: 'ClientGone',
    message: 'The client that asked for this job had left before the job arrived (faktory-bouncer)',
  };
  return `FAIL ${JSON.stringify(failure)}\r\n`;
}
