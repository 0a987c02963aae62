// The command line of the overload benchmark: arguments in, options out, or one error that names the
// argument. Promise: pure.

import { parseArgs } from 'node:util';

export const FRONTS = ['direct', 'session', 'pooled'] as const;

/** What stands between the clients and Faktory: nothing, or a bouncer in one of its modes. */
export type Front = (typeof FRONTS)[number];

export interface OverloadOptions {
  readonly help: boolean;
  readonly consumers: readonly number[];
  readonly fronts: readonly Front[];
  readonly seconds: number;
  readonly jobsPerSecond: number;
  readonly producers: number;
  readonly perWorker: number;
  readonly out: string | null;
}

export const OVERLOAD_HELP = `Usage: npm run overload -- [options]

Fills a fresh Faktory with consumers that FETCH from an idle queue, then lets
producers PUSH to another queue, directly and through faktory-bouncer, and counts
what became of the jobs. FAKTORY_BIN=/path/to/faktory measures another Faktory.

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
      fronts: { type: 'string', default: 'direct,session,pooled' },
      seconds: { type: 'string', default: '15' },
      rate: { type: 'string', default: '200' },
      producers: { type: 'string', default: '20' },
      'consumers-per-worker': { type: 'string', default: '20' },
      out: { type: 'string' },
    },
  });
  return {
    help: values.help,
    consumers: values.consumers.split(',').map((text) => positive('--consumers', text)),
    fronts: values.fronts.split(',').map(front),
    seconds: positive('--seconds', values.seconds),
    jobsPerSecond: positive('--rate', values.rate),
    producers: positive('--producers', values.producers),
    perWorker: positive('--consumers-per-worker', values['consumers-per-worker']),
    out: values.out ?? null,
  };
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) {
    throw new Error(`Cannot use ${name}: ${JSON.stringify(text)} is not a whole number above 0`);
  }
  return value;
}

function front(text: string): Front {
  const found = FRONTS.find((name) => name === text.trim());
  if (found === undefined) {
    throw new Error(`Cannot use --fronts: ${JSON.stringify(text)} is none of ${FRONTS.join(', ')}`);
  }
  return found;
}
