// A lease client of a test's own, which asks for the same two places again and again.

import type { Test } from 'tap';
import { SystemClock } from '../../../src/base/clock.ts';
import { LeaseClient } from '../../../src/redis/lease-client.ts';
import type { LeaseReply, LeaseRequest } from '../../../src/sharing/lease.ts';

const REQUEST: LeaseRequest = {
  kind: 'hold',
  id: 'a',
  seq: 1,
  register: true,
  replaces: '',
  terms: { limit: 33, replicas: 3, guaranteed: 0 },
  expiryMs: 10_000,
  used: 2,
  claim: 2,
  need: 2,
  want: 2,
  armed: 0,
  report: null,
};

/** `reasons`: why each request had no answer, null for one that had; `ask` resolves with null then. */
export function leaseAsker(t: Test, url: string, timeoutMs: number, password = '') {
  const reasons: (string | null)[] = [];
  const client = new LeaseClient({
    url,
    password,
    key: 'k',
    clock: new SystemClock(),
    timeoutMs,
    onTrouble: (reason) => reasons.push(reason),
    onBug: (error) => {
      throw error;
    },
  });
  t.teardown(() => client.close());
  const ask = (): Promise<LeaseReply | null> =>
    new Promise((resolve) => client.send(REQUEST, resolve));
  return { client, reasons, ask };
}
