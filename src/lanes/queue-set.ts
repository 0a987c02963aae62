// Which queues a FETCH asks for. Promise: equal sets have equal keys, whatever their order.

import { fetchQueues } from '../protocol/command.ts';

export interface QueueSet {
  readonly key: string;
  /** In the client's order. */
  readonly queues: readonly string[];
}

export function queueSet(line: Buffer): QueueSet {
  const queues = fetchQueues(line);
  // A space cannot be part of a name: Faktory splits there.
  const key = queues.length === 1 ? (queues[0] as string) : [...new Set(queues)].sort().join(' ');
  return { key, queues };
}
