// The command line of the overload benchmark: arguments in, options out. Promise: pure.

import { parseArgs } from 'node:util';
import { chosen, positive, positives } from '../harness/arguments.ts';

export const OVERLOAD_FRONTS = ['direct', 'session', 'pooled'] as const;

export interface OverloadOptions {
  readonly help: boolean;
  readonly consumers: readonly number[];
  readonly fronts: readonly (typeof OVERLOAD_FRONTS)[number][];
  readonly seconds: number;
  readonly jobsPerSecond: number;
  readonly producers: number;
  readonly perWorker: number;
  readonly out: string | null;
}

export const OVERLOAD_HELP = `Usage: npm run overload -- [options]

Fills a fresh Faktory with consumers that FETCH from an idle queue, then lets
producers PUSH to another queue, directly and through faktory-bouncer, and counts
what became of the jobs. Needs Linux and Go. FAKTORY_BIN=/path/to/faktory measures
another Faktory.

  --consumers LIST            how many consumers, one step each
                              (500,900,1100,2000,4000)
  --fronts LIST               what stands in front: direct, session, pooled
                              (direct,session,pooled)
  --seconds N                 how long the producers PUSH (15)
  --rate N                    PUSHes a second, all producers together (200)
  --producers N               how many producers (20)
  --consumers-per-worker N    connections with the same wid (20)
  --out FILE                  also write the result to FILE, as Markdown
  --help                      this text
`;

export function parseOverloadOptions(args: readonly string[]): OverloadOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: { type: 'boolean', default: false },
      consumers: { type: 'string', default: '500,900,1100,2000,4000' },
      fronts: { type: 'string' },
      seconds: { type: 'string', default: '15' },
      rate: { type: 'string', default: '200' },
      producers: { type: 'string', default: '20' },
      'consumers-per-worker': { type: 'string', default: '20' },
      out: { type: 'string' },
    },
  });
  return {
    help: values.help,
    consumers: positives('--consumers', values.consumers),
    fronts: chosen('--fronts', values.fronts, OVERLOAD_FRONTS),
    seconds: positive('--seconds', values.seconds),
    jobsPerSecond: positive('--rate', values.rate),
    producers: positive('--producers', values.producers),
    perWorker: positive('--consumers-per-worker', values['consumers-per-worker']),
    out: values.out ?? null,
  };
}
