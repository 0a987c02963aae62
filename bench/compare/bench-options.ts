// The command line of the side-by-side benchmark: arguments in, options out, or one error that names
// the argument. Promise: pure.

import { parseArgs } from 'node:util';
import { FRONTS, LOAD_NAMES } from './loads.ts';
import type { FrontName, LoadName } from './loads.ts';

export interface BenchOptions {
  readonly help: boolean;
  readonly rounds: number;
  readonly seconds: number;
  readonly loads: readonly LoadName[];
  readonly fronts: readonly FrontName[];
  /** Where the results go, or null: only to the terminal. */
  readonly out: string | null;
  /** A folder for the bouncers' CPU profiles, or null. */
  readonly cpuProfiles: string | null;
}

const RESULTS_FILE = 'bench/results.md';

export const BENCH_HELP = `Usage: npm run bench -- [options]

Puts the same load on the real Faktory through nothing, HAProxy, nginx, and
faktory-bouncer in both modes, in turns, and compares them. Needs Linux and Go.
FAKTORY_BIN=/path/to/faktory measures another Faktory.

  --rounds N       how often everything is measured, in turns (3)
  --seconds N      how long one measurement takes (3)
  --loads LIST     (all) ${LOAD_NAMES.slice(0, 6).join(', ')},
                   ${LOAD_NAMES.slice(6).join(', ')}
  --fronts LIST    (all) ${FRONTS.join(', ')}
  --quick          one round of one second, unless told otherwise
  --cpu-prof DIR   the bouncers write their CPU profiles to DIR when they end
  --out FILE       write the results to FILE, as Markdown; without it only a run
                   of all loads and fronts writes, to ${RESULTS_FILE}
  --help           this text
`;

export function parseBenchOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      loads: { type: 'string' },
      fronts: { type: 'string' },
      out: { type: 'string' },
      'cpu-prof': { type: 'string' },
    },
  });
  const isWhole = values.loads === undefined && values.fronts === undefined && !values.quick;
  return {
    help: values.help,
    rounds: positive('--rounds', values.rounds ?? (values.quick ? '1' : '3')),
    seconds: positive('--seconds', values.seconds ?? (values.quick ? '1' : '3')),
    loads: chosen('--loads', values.loads, LOAD_NAMES),
    fronts: chosen('--fronts', values.fronts, FRONTS),
    out: values.out ?? (isWhole ? RESULTS_FILE : null),
    cpuProfiles: values['cpu-prof'] ?? null,
  };
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) {
    throw new Error(`Cannot use ${name}: ${JSON.stringify(text)} is not a whole number above 0`);
  }
  return value;
}

/** In the order of `all`, whatever the order in `list`; all of them without a list. */
function chosen<T extends string>(
  name: string,
  list: string | undefined,
  all: readonly T[],
): readonly T[] {
  if (list === undefined) return all;
  const wanted = list.split(',').map((text) => text.trim());
  const unknown = wanted.find((text) => !all.some((known) => known === text));
  if (unknown !== undefined) {
    throw new Error(`Cannot use ${name}: ${JSON.stringify(unknown)} is none of ${all.join(', ')}`);
  }
  return all.filter((known) => wanted.includes(known));
}
