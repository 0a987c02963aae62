// Many rounds of SHA-256. Promise: the hex digest of `rounds` rounds, each over the raw digest of
// the last; what it costs in time is for the caller to keep off the event loop.

import { hash } from 'node:crypto';
import { sha256OfDigest } from './sha256-of-digest.ts';

/** Hex of `rounds` rounds (at least 1) of SHA-256 over `text`. */
export function iteratedSha256(text: string, rounds: number): string {
  const bytes = hash('sha256', text, 'buffer');
  const words = new Int32Array(8);
  for (let i = 0; i < words.length; i += 1) words[i] = bytes.readInt32BE(i * 4);
  for (let round = 1; round < rounds; round += 1) sha256OfDigest(words);
  words.forEach((word, i) => bytes.writeInt32BE(word, i * 4));
  return bytes.toString('hex');
}
