// The command line of the side-by-side benchmark: arguments in, options out. Promise: pure.

import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { chosen, positive, settingsFrom } from '../harness/arguments.ts';
import type { Settings } from '../harness/arguments.ts';
import { THIS_CHECKOUT } from '../harness/fronts.ts';
import type { Front } from '../harness/fronts.ts';
import { LAYOUTS, LOAD_NAMES } from './loads.ts';
import type { LayoutName, LoadName } from './loads.ts';

export const FRONTS = ['direct', 'haproxy', 'nginx', 'session', 'pooled'] as const;

export interface BenchOptions {
  readonly help: boolean;
  readonly rounds: number;
  readonly seconds: number;
  readonly loads: readonly LoadName[];
  readonly layouts: readonly LayoutName[];
  readonly fronts: readonly Front['kind'][];
  /** Another checkout, whose bouncer is measured in turns with this one; or null. */
  readonly against: string | null;
  /** Options of the bouncers. */
  readonly settings: Settings;
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

  --rounds N       how often everything is measured, in turns (3; with --against 5)
  --seconds N      how long one measurement takes (3)
  --loads LIST     (all) ${LOAD_NAMES.slice(0, 6).join(', ')},
                   ${LOAD_NAMES.slice(6).join(', ')}
  --layouts LIST   (shared) ${LAYOUTS.join(', ')}
                   shared: all processes on all cores
                   split: Faktory and Redis on one core, clients and proxy on another
                   slow-redis: as shared, but Redis runs scripts of 10 ms besides
  --fronts LIST    (all; with --against session, pooled) ${FRONTS.join(', ')}
  --against DIR    also measure the bouncer of the checkout in DIR, in turns with
                   this one, and compare the medians
  --set KEY=VALUE  an option of the bouncers, such as pool.bulk_push=true; may be
                   given several times
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
      layouts: { type: 'string', default: 'shared' },
      fronts: { type: 'string' },
      against: { type: 'string' },
      set: { type: 'string', multiple: true, default: [] },
      out: { type: 'string' },
      'cpu-prof': { type: 'string' },
    },
  });
  const { quick, loads, fronts, against } = values;
  const isWhole = loads === undefined && fronts === undefined && against === undefined && !quick;
  const rounds = quick ? '1' : against === undefined ? '3' : '5';
  const ours = against === undefined ? fronts : (fronts ?? 'session,pooled');
  return {
    help: values.help,
    rounds: positive('--rounds', values.rounds ?? rounds),
    seconds: positive('--seconds', values.seconds ?? (quick ? '1' : '3')),
    loads: chosen('--loads', loads, LOAD_NAMES),
    layouts: chosen('--layouts', values.layouts, LAYOUTS),
    fronts: chosen('--fronts', ours, FRONTS),
    against: against === undefined ? null : resolve(against),
    settings: settingsFrom(values.set),
    out: values.out ?? (isWhole ? RESULTS_FILE : null),
    cpuProfiles: values['cpu-prof'] ?? null,
  };
}

/** More server connections than session mode has by default, so that no client is refused. */
export const SESSION_SERVER_CONNECTIONS = 5000;

/** How the tables call the other checkout's front. */
export function beforeName(kind: Front['kind']): string {
  return `${kind} before`;
}

/** The fronts as they are measured: those of the other checkout beside their own. */
export function frontsOf(options: BenchOptions): readonly Front[] {
  const { fronts, against } = options;
  const limits = { server_connections: SESSION_SERVER_CONNECTIONS };
  return fronts.flatMap((kind): readonly Front[] => {
    if (kind !== 'session' && kind !== 'pooled') return [{ name: kind, kind }];
    const settings = { ...(kind === 'session' && { limits }), ...options.settings };
    const own = { name: kind, kind, checkout: THIS_CHECKOUT, settings };
    if (against === null) return [own];
    return [{ ...own, name: beforeName(kind), checkout: against }, own];
  });
}
