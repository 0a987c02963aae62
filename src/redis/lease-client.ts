// Carries lease requests to Redis. Promise: each has one outcome within its time; a connection on which one
// has failed is given up, so that no answer meets the wrong question; what is logged holds no password.

import { createHash } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import type { LeasePort, LeaseReply, LeaseRequest } from '../sharing/lease.ts';
import { LEASE_SCRIPT } from './lease-script.ts';
import { parseRedisAddress, type RedisAddress } from './redis-address.ts';
import { RedisClient } from './redis-client.ts';

export interface LeaseClientParts {
  /** As in `shared_limits.redis_url`. */
  readonly url: string;
  /** Empty: the URL's. */
  readonly password: string;
  /** Name of the shared limit. */
  readonly key: string;
  readonly clock: Clock;
  /** For a request, its dial included; milliseconds. */
  readonly timeoutMs: number;
  /** Hears why a request failed, in Redis's words or the system's; null: one was answered. */
  readonly onTrouble: (reason: string | null) => void;
  /** What hears of an outcome has thrown. */
  readonly onBug: (error: unknown) => void;
}

const SCRIPT_SHA = createHash('sha1').update(LEASE_SCRIPT).digest('hex');

export class LeaseClient implements LeasePort {
  readonly #parts: LeaseClientParts;
  readonly #redis: RedisClient;
  readonly #key: string;
  /** Where Redis is, without user and password. */
  readonly shown: string;

  /** Throws when the URL cannot be read; dials nothing yet. */
  constructor(parts: LeaseClientParts) {
    this.#parts = parts;
    const address = parseRedisAddress(parts.url);
    this.shown = address.shown;
    this.#redis = new RedisClient(withPassword(address.dial, parts.password), parts.timeoutMs);
    // Braces: in a cluster all of the limit is on one node.
    this.#key = `{${parts.key}}:limit`;
  }

  send(request: LeaseRequest, done: (reply: LeaseReply | null) => void): void {
    const { clock, timeoutMs, onTrouble } = this.#parts;
    let isOver = false;
    const finish = (reply: LeaseReply | null, reason: string | null): void => {
      if (isOver) return;
      isOver = true;
      timer.cancel();
      if (reply === null) this.#redis.disconnect();
      onTrouble(reason);
      done(reply);
    };
    const timer = clock.after(timeoutMs, () => finish(null, `no answer within ${timeoutMs} ms`));
    this.#run(request)
      .then(
        (text) => {
          const reply = parseReply(text);
          finish(reply, reply === null ? 'an answer that cannot be read' : null);
        },
        (error: unknown) => finish(null, reasonOf(this.#redis.firstError ?? error)),
      )
      .catch((error: unknown) => this.#parts.onBug(error));
  }

  /** Closes the connection. */
  close(): void {
    this.#redis.disconnect();
  }

  async #run(request: LeaseRequest): Promise<unknown> {
    const redis = await this.#redis.ready();
    const argument = flat(request);
    try {
      return await redis.evalsha(SCRIPT_SHA, 1, this.#key, argument);
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
      return redis.eval(LEASE_SCRIPT, 1, this.#key, argument);
    }
  }
}

/** The request as the script reads it. */
export function flat({ terms, report, ...rest }: LeaseRequest): string {
  return JSON.stringify({
    ...rest,
    limit: terms.limit,
    replicas: terms.replicas,
    guaranteed: terms.guaranteed,
    reportRound: report?.round ?? 0,
    reportLeast: report?.least ?? 0,
    reportCount: report?.count ?? -1,
  });
}

/** What the script answered; null if it is not that. */
export function parseReply(text: unknown): LeaseReply | null {
  if (typeof text !== 'string') return null;
  let reply: Record<string, unknown>;
  try {
    reply = JSON.parse(text) as Record<string, unknown>;
  } catch {
    return null;
  }
  switch (reply['kind']) {
    case 'unknown':
    case 'stale':
    case 'left':
      return { kind: reply['kind'] };
    case 'held': {
      const count = (name: string): number => Number(reply[name]);
      return {
        kind: 'held',
        places: count('places'),
        othersWait:
          reply['othersWait'] === 'share' || reply['othersWait'] === 'idle'
            ? reply['othersWait']
            : 'nothing',
        round: count('round'),
        phase: reply['phase'] === 'arm' || reply['phase'] === 'sample' ? reply['phase'] : 'none',
        house: {
          holders: count('holders'),
          leased: count('leased'),
          used: count('used'),
          outside: count('outside'),
          free: count('free'),
        },
      };
    }
    default:
      return null;
  }
}

function withPassword(dial: RedisAddress['dial'], password: string): RedisAddress['dial'] {
  return password === '' ? dial : { ...dial, password };
}

/** The text only: the error object of a failed AUTH carries the password as its argument. */
function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message.slice(0, 200) : 'unknown error';
}
