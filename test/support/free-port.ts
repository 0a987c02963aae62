// Finds a port nobody listens on, below the range the system hands to outgoing connections:
// a server that is stopped and started again finds its port still free.

import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

const firstPort = 12_000;
const lastPort = 31_999;
const triesMax = 100;

export async function freePort(): Promise<number> {
  for (let tries = 0; tries < triesMax; tries += 1) {
    const port = randomInt(firstPort, lastPort + 1);
    if (await canListen(port)) return port;
  }
  throw new Error(
    `Cannot find a free port: ${triesMax} between ${firstPort} and ${lastPort} taken`,
  );
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host: '127.0.0.1', port }, () => server.close(() => resolve(true)));
  });
}
