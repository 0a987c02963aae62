// A listening socket that the process was given at its start, as systemd does (sd_listen_fds(3)). Pure.
// Promise: a socket that was meant for another process, a parent of this one say, is not used.

import type { Environment } from './environment.ts';

export type Activation =
  /** None was given: the bouncer opens its own. */
  | { readonly kind: 'none' }
  /** The number of its file descriptor. */
  | { readonly kind: 'socket'; readonly fd: number }
  | { readonly kind: 'refused'; readonly text: string };

/** The first that systemd hands over; standard input, output and error come before. */
const FIRST_FD = 3;

/** What `environment` says to the process `pid`. */
export function socketActivation(environment: Environment, pid: number): Activation {
  const { LISTEN_PID: meantFor, LISTEN_FDS: count } = environment;
  if (count === undefined || meantFor !== String(pid)) return { kind: 'none' };
  if (count === '1') return { kind: 'socket', fd: FIRST_FD };
  const text = `Cannot use LISTEN_FDS=${JSON.stringify(count.slice(0, 20))}: the bouncer takes one socket, for its clients. Write one ListenStream= in the socket unit.`;
  return { kind: 'refused', text };
}
