// The command line of the TLS benchmark: arguments in, options out. Promise: pure.

import { parseArgs } from 'node:util';
import { chosen, positive } from '../harness/arguments.ts';

export const TLS_FRONTS = ['haproxy', 'session', 'pooled'] as const;
export type TlsFront = (typeof TLS_FRONTS)[number];

export interface TlsCostOptions {
  readonly help: boolean;
  readonly clients: number;
  /** Of each client. */
  readonly commands: number;
  readonly rounds: number;
  readonly fronts: readonly TlsFront[];
}

export const TLS_COST_HELP = `Usage: npm run tls-cost -- [options]

How much CPU time does a proxy spend on a PUSH and its answer, plain and with TLS
between client and proxy? Plain and TLS are measured in turns, in front of a server
that answers each line with +OK. Needs Linux and openssl.

  --clients N       how many clients, each with one command on its way (100)
  --commands N      how many PUSHes each client sends (1000)
  --rounds N        how often each is measured; the median is shown (5)
  --fronts LIST     what is measured: haproxy, session, pooled; HAProxy is left out
                    where it is not installed (haproxy,session,pooled)
  --help            this text
`;

export function parseTlsCostOptions(args: readonly string[]): TlsCostOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: { type: 'boolean', default: false },
      clients: { type: 'string', default: '100' },
      commands: { type: 'string', default: '1000' },
      rounds: { type: 'string', default: '5' },
      fronts: { type: 'string' },
    },
  });
  return {
    help: values.help,
    clients: positive('--clients', values.clients),
    commands: positive('--commands', values.commands),
    rounds: positive('--rounds', values.rounds),
    fronts: chosen('--fronts', values.fronts, TLS_FRONTS),
  };
}
