// Large answers in gzip, for clients that accept it. Promise: it is done in a thread of Node's, by few at
// a time, and an answer that would have to wait for it goes out as it is.

import { gzip } from 'node:zlib';

/** A smaller answer fits into a few packets as it is. */
export const COMPRESSED_BYTES_MIN = 4096;
/** Node has four threads, and the dials to Faktory need them to look up names. */
export const COMPRESSIONS_MAX = 2;
/** The fastest: 140 kB of metrics become 13 kB in about 1 ms. */
const LEVEL = 1;
const BYTES_PER_MS = 140_000;

/** How long a thread of Node's is busy with it, in milliseconds. */
export function compressionMs(body: string | Buffer): number {
  return Buffer.byteLength(body) / BYTES_PER_MS;
}

export class Compression {
  #running = 0;

  /** The body in gzip; null if it is to be sent as it is. `accepted`: what Accept-Encoding says. */
  compressed(body: string | Buffer, accepted: string | undefined): Promise<Buffer | null> | null {
    if (!acceptsGzip(accepted) || Buffer.byteLength(body) < COMPRESSED_BYTES_MIN) return null;
    if (this.#running >= COMPRESSIONS_MAX) return null;
    this.#running += 1;
    return new Promise((resolve) => {
      gzip(body, { level: LEVEL }, (error, bytes) => {
        this.#running -= 1;
        resolve(error === null ? bytes : null);
      });
    });
  }
}

/** Whether a header Accept-Encoding names gzip, and not with the weight 0. */
export function acceptsGzip(accepted: string | undefined): boolean {
  return (accepted ?? '').split(',').some((coding) => {
    const [name = '', weight = ''] = coding.split(';');
    return name.trim().toLowerCase() === 'gzip' && !/^\s*q=0(?:\.0*)?\s*$/i.test(weight);
  });
}
