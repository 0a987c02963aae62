// What must have happened in some run of the gate, by the tally's names. Promise: a kind of misfortune
// that no seed brings about any more is missed.

import { CLIENT_STATES } from '../../../src/client/client-states.ts';
import { SERVER_STATES, type ServerState } from '../../../src/server/server-states.ts';
import { FALSE_OKS } from '../../support/memory-commands.ts';
import { SINKS } from './sinks.ts';

/** States with a connection that can be lost. */
const LOSABLE = SERVER_STATES.filter((state) => state !== 'queued');
/** A connection says FIN when it is one. */
const CONNECTED = LOSABLE.filter((state) => state !== 'dialling');

export const EXPECTED: readonly string[] = [
  ...CLIENT_STATES.flatMap((state) => [`client fin: ${state}`, `client rst: ${state}`]),
  ...each('server rst', LOSABLE),
  ...each('server fin', CONNECTED),
  ...each('server half-close', CONNECTED),
  ...each('server silence', LOSABLE),
  ...each('Faktory die', LOSABLE),
  ...each('Faktory shutdown', LOSABLE),
  ...each('Faktory hang', LOSABLE),
  ...['from clients', 'from Faktory'].map((what) => `split bytes: ${what}`),
  ...['minutes pass', 'all timers due at once'].map((what) => `clock: ${what}`),
  ...['raised', 'lowered'].map((what) => `limits: server_connections ${what}`),
  ...['in good order', 'cut short'].map((what) => `drain: ${what}`),
  ...['none', 'delay', 'cpu'].map((kind) => `service times: ${kind}`),
  ...['hung', 'refusing', 'well'].map((state) => `redis: ${state}`),
  ...FALSE_OKS.map((why) => `false +OK said: ${why}`),
  ...SINKS.map((sink) => `sink: ${sink}`),
  ...['admitted', 'refused'].map((what) => `clients: ${what}`),
  ...['acked', 'failed', 'given back', 'cut'].map((fate) => `jobs: ${fate}`),
];

function each(what: string, states: readonly ServerState[]): string[] {
  return states.map((state) => `${what}: ${state}`);
}
