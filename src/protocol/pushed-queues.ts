// The queues that a PUSH or PUSHB names. Promise: a name that is returned is the one that Faktory reads;
// where that is not certain, nothing is.
// Facts from Faktory v1.7.0: manager/manager.go Push; Go's encoding/json takes key names without regard
// to case.

import { contentEnd, SPACE } from './bytes.ts';
import { parseJson } from './go-json.ts';

/** A job without a queue goes there. */
const DEFAULT_QUEUE = 'default';
/** storage/redis.go ValidQueueName; Faktory makes no queue of another name. */
const QUEUE_NAME = /^[a-zA-Z0-9._-]+$/;

/** The queues that the PUSH or PUSHB `line` names and that there can be, or null if they cannot be told. */
export function pushedQueues(line: Buffer): string[] | null {
  const payload = parseJson(line.toString('utf8', line.indexOf(SPACE) + 1, contentEnd(line)));
  const jobs: readonly unknown[] = Array.isArray(payload) ? payload : [payload];
  const queues: string[] = [];
  for (const job of jobs) {
    const queue = queueOf(job);
    if (queue === null) return null;
    if (QUEUE_NAME.test(queue)) queues.push(queue);
  }
  return queues;
}

function queueOf(job: unknown): string | null {
  if (typeof job !== 'object' || job === null) return null;
  let queue: unknown = '';
  let found = 0;
  for (const [key, value] of Object.entries(job)) {
    if (key.length !== 'queue'.length || key.toLowerCase() !== 'queue') continue;
    queue = value;
    found += 1;
  }
  if (found > 1 || typeof queue !== 'string') return null;
  return queue === '' ? DEFAULT_QUEUE : queue;
}
