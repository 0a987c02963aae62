// The bouncer's HELLO on connections that belong to no worker.

import { hostname } from 'node:os';
import type { Hello } from '../protocol/hello.ts';

/** Without a wid: Faktory takes the bouncer for a producer. `username`: the one of server.url, or empty. */
export function ownHello(username: string): Hello {
  return {
    version: 2,
    wid: '',
    hostname: hostname(),
    pid: BigInt(process.pid),
    rssKb: 0n,
    labels: ['faktory-bouncer'],
    username,
    passwordHash: '',
  };
}
