// The command line of `npm run soak`.

import { parseArgs } from 'node:util';
import { positive } from '../harness/arguments.ts';

export const SOAK_HELP = `Usage: npm run soak -- [options]

Runs a bouncer in each mode in front of a real Faktory, with clients that do not pause, clients that come and
go, reloads and faults, for a long time. At the end the clients leave, and nothing may be left of them: no
connection, open file, timer, place or handle. Memory must be flat, and the ledger of all jobs balanced.

  --minutes N     how long (default 30)
  --seed N        which faults come when (default: the time; it is printed)
  --clients N     clients of each mode that do nothing (default 100)
  --help          this text

Exit code: 0 if all of it holds, 1 if not, 2 after wrong usage.
`;

export interface SoakOptions {
  readonly help: boolean;
  readonly minutes: number;
  readonly seed: number;
  readonly clients: number;
}

export function parseSoakOptions(args: readonly string[]): SoakOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: { type: 'boolean', short: 'h', default: false },
      minutes: { type: 'string', default: '30' },
      seed: { type: 'string' },
      clients: { type: 'string', default: '100' },
    },
  });
  return {
    help: values.help,
    minutes: positive('--minutes', values.minutes),
    seed: values.seed === undefined ? Date.now() % 1_000_000 : positive('--seed', values.seed),
    clients: positive('--clients', values.clients),
  };
}
