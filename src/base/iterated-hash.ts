// Many rounds of SHA-256. Promise: the hex digest of `rounds` rounds, each over the raw digest of
// the last; what it costs in time is for the caller to keep off the event loop.

import { hash } from 'node:crypto';

/** Hex of `rounds` rounds (at least 1) of SHA-256 over `text`. */
export function iteratedSha256(text: string, rounds: number): string {
  let digest = hash('sha256', text, 'buffer');
  for (let round = 1; round < rounds; round += 1) digest = hash('sha256', digest, 'buffer');
  return digest.toString('hex');
}
