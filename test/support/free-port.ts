// Finds a port nobody listens on, below the range the system hands to outgoing connections:
// a server that is stopped and started again finds its port still free. Promise: no port is given twice in one process,
// nor to two of the test files that tap runs at a time, up to four of them.

import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

const firstPort = 12_000;
const lastPort = 31_999;
const triesMax = 100;
/** Tap numbers the test files that it runs at a time from 0; each has one part of the range. */
const parts = 4;
const given = new Set<number>();

export async function freePort(): Promise<number> {
  const { first, last } = ownPart();
  for (let tries = 0; tries < triesMax; tries += 1) {
    const port = randomInt(first, last + 1);
    if (given.has(port)) continue;
    given.add(port);
    if (await canListen(port)) return port;
  }
  throw new Error(`Cannot find a free port: ${triesMax} between ${first} and ${last} taken`);
}

/** All of it for what tap has not started. */
function ownPart(): { readonly first: number; readonly last: number } {
  const job = process.env['TAP_JOB_ID'];
  if (job === undefined) return { first: firstPort, last: lastPort };
  const size = Math.floor((lastPort - firstPort + 1) / parts);
  const first = firstPort + (Number(job) % parts) * size;
  return { first, last: first + size - 1 };
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host: '127.0.0.1', port }, () => server.close(() => resolve(true)));
  });
}
