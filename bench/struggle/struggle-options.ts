// The command line of the struggle benchmark: arguments in, options out. Promise: pure.

import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { chosen, positive, positives, settingsFrom } from '../harness/arguments.ts';
import type { Settings } from '../harness/arguments.ts';
import { THIS_CHECKOUT } from '../harness/fronts.ts';

export const STRUGGLE_FRONTS = ['direct', 'session', 'pooled'] as const;

export type StruggleFront = (typeof STRUGGLE_FRONTS)[number];

export const SCENARIOS = [
  'slow-push',
  'slow-work',
  'push-once',
  'slow-faktory',
  'stop-redis',
  'stop-faktory',
  'refuse-writes',
  'drain',
] as const;

export type ScenarioName = (typeof SCENARIOS)[number];

export interface StruggleOptions {
  readonly help: boolean;
  readonly only: readonly ScenarioName[];
  readonly fronts: readonly StruggleFront[];
  readonly seconds: number;
  /** Seconds of the same before rates and latencies count; the ledger counts from the beginning. */
  readonly warmUp: number;
  readonly producers: number;
  readonly delaysMs: readonly number[];
  /** Seconds that a stop or a refusal lasts. Null: as each scenario has it. */
  readonly stops: readonly number[] | null;
  readonly rounds: number;
  /** The checkout whose bouncer runs. */
  readonly bouncer: string;
  readonly settings: Settings;
  readonly out: string | null;
}

export const STRUGGLE_HELP = `Usage: npm run struggle -- [options]

Measures a Faktory that struggles, directly and through faktory-bouncer in both
modes: its Redis is slow, hangs or refuses writes, or Faktory itself hangs. Compares
every acknowledged job with what Redis holds afterwards. Needs Linux and Go.
FAKTORY_BIN=/path/to/faktory measures another Faktory.

  --only LIST       scenarios (all): ${SCENARIOS.slice(0, 4).join(', ')},
                    ${SCENARIOS.slice(4).join(', ')}
  --fronts LIST     (all) ${STRUGGLE_FRONTS.join(', ')}
  --seconds N       how long producers and consumers work in slow-push and
                    slow-work (10)
  --warm-up N       seconds of the same before that; rates and latencies do not count
                    them, the ledger does (0)
  --delays LIST     how long Redis is busy with a script, in ms (10,50,200)
  --producers N     producers in slow-push (500)
  --stops LIST      how long a stop or a refusal lasts, in s (stop-redis: 4,6,10,
                    stop-faktory: 3,10,30, refuse-writes: 3,10,
                    slow-faktory: 20)
  --rounds N        how often everything is measured, in turns (1)
  --bouncer DIR     run the bouncer of another checkout (this one)
  --set KEY=VALUE   an option of the bouncer, such as pool.bulk_push=true; may be
                    given several times
  --out FILE        also write the result to FILE, as Markdown
  --help            this text
`;

export function parseStruggleOptions(args: readonly string[]): StruggleOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: { type: 'boolean', default: false },
      only: { type: 'string' },
      fronts: { type: 'string' },
      seconds: { type: 'string', default: '10' },
      'warm-up': { type: 'string', default: '0' },
      delays: { type: 'string', default: '10,50,200' },
      producers: { type: 'string', default: '500' },
      stops: { type: 'string' },
      rounds: { type: 'string', default: '1' },
      bouncer: { type: 'string', default: THIS_CHECKOUT },
      set: { type: 'string', multiple: true, default: [] },
      out: { type: 'string' },
    },
  });
  return {
    help: values.help,
    only: chosen('--only', values.only, SCENARIOS),
    fronts: chosen('--fronts', values.fronts, STRUGGLE_FRONTS),
    seconds: positive('--seconds', values.seconds),
    warmUp: values['warm-up'] === '0' ? 0 : positive('--warm-up', values['warm-up']),
    producers: positive('--producers', values.producers),
    delaysMs: positives('--delays', values.delays),
    stops: values.stops === undefined ? null : positives('--stops', values.stops),
    rounds: positive('--rounds', values.rounds),
    bouncer: resolve(values.bouncer),
    settings: settingsFrom(values.set),
    out: values.out ?? null,
  };
}
