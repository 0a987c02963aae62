// The command line of the queues benchmark: arguments in, options out. Promise: pure.

import { parseArgs } from 'node:util';
import { chosen, positive } from '../harness/arguments.ts';

export const QUEUES_FRONTS = ['direct', 'session', 'pooled'] as const;
export const WIDS = ['none', 'each', 'shared'] as const;
/** The wid of consumers: none has one, each has its own, all have the same. */
export type Wids = (typeof WIDS)[number];

export interface QueuesOptions {
  readonly help: boolean;
  readonly consumers: number;
  readonly jobsPerSecond: number;
  readonly seconds: number;
  readonly fronts: readonly (typeof QUEUES_FRONTS)[number][];
  readonly wids: readonly Wids[];
  readonly out: string | null;
}

export const QUEUES_HELP = `Usage: npm run queues -- [options]

Consumers with a queue each, most of them idle, and a few jobs: how long is it from
PUSH until the consumer has its job, directly and through faktory-bouncer? Needs
Linux and Go. FAKTORY_BIN=/path/to/faktory measures another Faktory.

  --consumers N     how many consumers, each with a queue of its own (60)
  --rate N          PUSHes a second, to one queue after another (4)
  --seconds N       how long jobs are pushed (20)
  --fronts LIST     what stands in front: direct, session, pooled
                    (direct,session,pooled)
  --wids LIST       consumers without a wid (none), with one each (each), or all
                    with the same (shared) (none,each,shared)
  --out FILE        also write the result to FILE, as Markdown
  --help            this text
`;

export function parseQueuesOptions(args: readonly string[]): QueuesOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: { type: 'boolean', default: false },
      consumers: { type: 'string', default: '60' },
      rate: { type: 'string', default: '4' },
      seconds: { type: 'string', default: '20' },
      fronts: { type: 'string' },
      wids: { type: 'string' },
      out: { type: 'string' },
    },
  });
  return {
    help: values.help,
    consumers: positive('--consumers', values.consumers),
    jobsPerSecond: positive('--rate', values.rate),
    seconds: positive('--seconds', values.seconds),
    fronts: chosen('--fronts', values.fronts, QUEUES_FRONTS),
    wids: chosen('--wids', values.wids, WIDS),
    out: values.out ?? null,
  };
}
