// Why a bouncer could not start, in a text for operators. Pure. Promise: it says what could not be listened on,
// and what to do.

import type { Address } from './base/address.ts';
import { wordsFor } from './config/system-errors.ts';
import { formatAddress } from './config/units.ts';

/** What was to be listened on: an address, unless a socket was handed over. */
export interface Attempt {
  readonly address: Address;
  readonly givenFd: number | null;
}

/** The admin address says it itself. */
export function startFailure(error: unknown, { address, givenFd }: Attempt): string {
  if (!(error instanceof Error) || !('syscall' in error)) {
    const why = wordsFor(error);
    return why.startsWith('Cannot ') ? `${why}.` : `Cannot start: ${why}.`;
  }
  if (givenFd !== null) {
    return `Cannot listen on file descriptor ${givenFd}, which LISTEN_FDS hands over: ${wordsFor(error)}. Hand over a listening stream socket.`;
  }
  const first =
    'code' in error && error.code === 'EADDRINUSE' ? 'Stop the other process or choose' : 'Choose';
  return `Cannot listen on ${formatAddress(address)}: ${wordsFor(error)}. ${first} another address with --listen.`;
}
