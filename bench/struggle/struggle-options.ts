// The command line of the struggle benchmark: arguments in, options out, or one error that names the
// argument. Promise: pure.

import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { parse } from 'yaml';
import { UsageError } from '../usage-error.ts';

export const STRUGGLE_FRONTS = ['direct', 'session', 'pooled'] as const;

export type StruggleFront = (typeof STRUGGLE_FRONTS)[number];

export const SCENARIOS = [
  'slow-push',
  'slow-work',
  'push-once',
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
  readonly producers: number;
  readonly delaysMs: readonly number[];
  /** Seconds that a process is stopped or writes are refused, in place of each scenario's own. */
  readonly stops: readonly number[] | null;
  /** The checkout whose bouncer runs. */
  readonly bouncer: string;
  /** Further settings for it, nested as in its file. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly out: string | null;
}

export const STRUGGLE_HELP = `Usage: npm run struggle -- [options]

Measures a Faktory that struggles, directly and through faktory-bouncer in both
modes: its Redis is slow, stands still or refuses writes, or Faktory itself stands
still. Compares every acknowledged job with what Redis holds afterwards. Needs Linux
and Go. FAKTORY_BIN=/path/to/faktory measures another Faktory.

  --only LIST       scenarios (all): ${SCENARIOS.slice(0, 4).join(', ')},
                    ${SCENARIOS.slice(4).join(', ')}
  --fronts LIST     (all) ${STRUGGLE_FRONTS.join(', ')}
  --seconds N       how long producers and consumers work in slow-push and
                    slow-work (10)
  --delays LIST     how long Redis is busy with a script, in ms (10,50,200)
  --producers N     producers in slow-push (500)
  --stops LIST      how long a stop or a refusal lasts, in s (stop-redis: 4,6,10,
                    stop-faktory: 3,10,30, refuse-writes: 3,10)
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
      delays: { type: 'string', default: '10,50,200' },
      producers: { type: 'string', default: '500' },
      stops: { type: 'string' },
      bouncer: { type: 'string' },
      set: { type: 'string', multiple: true, default: [] },
      out: { type: 'string' },
    },
  });
  const numbers = (name: string, list: string): readonly number[] =>
    list.split(',').map((text) => positive(name, text));
  return {
    help: values.help,
    only: chosen('--only', values.only, SCENARIOS),
    fronts: chosen('--fronts', values.fronts, STRUGGLE_FRONTS),
    seconds: positive('--seconds', values.seconds),
    producers: positive('--producers', values.producers),
    delaysMs: numbers('--delays', values.delays),
    stops: values.stops === undefined ? null : numbers('--stops', values.stops),
    bouncer: resolve(values.bouncer ?? `${import.meta.dirname}/../..`),
    settings: settingsFrom(values.set),
    out: values.out ?? null,
  };
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new UsageError(`Cannot use ${name}: ${JSON.stringify(text)} is not a whole number above 0`);
}

/** In the order of `all`; all of them without a list. */
function chosen<T extends string>(
  name: string,
  list: string | undefined,
  all: readonly T[],
): readonly T[] {
  if (list === undefined) return all;
  const wanted = list.split(',').map((text) => text.trim());
  const unknown = wanted.find((text) => !all.some((known) => known === text));
  if (unknown === undefined) return all.filter((known) => wanted.includes(known));
  throw new UsageError(
    `Cannot use ${name}: ${JSON.stringify(unknown)} is not one of ${all.join(', ')}`,
  );
}

/** `pool.bulk_push=true` as `{ pool: { bulk_push: true } }`; values are read as YAML. */
function settingsFrom(pairs: readonly string[]): Readonly<Record<string, unknown>> {
  const settings: Record<string, unknown> = {};
  for (const pair of pairs) {
    const [, path, value] = /^([\w.]+)=(.*)$/s.exec(pair) ?? [];
    if (path === undefined || value === undefined) {
      throw new UsageError(`Cannot use --set: ${JSON.stringify(pair)} is not KEY=VALUE`);
    }
    const keys = path.split('.');
    const last = keys.pop() ?? '';
    let section = settings;
    for (const key of keys) section = (section[key] ??= {}) as Record<string, unknown>;
    section[last] = parse(value) as unknown;
  }
  return settings;
}
