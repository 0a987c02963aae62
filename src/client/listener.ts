// Where clients come in. Promise: every connection that the system accepts becomes a client
// connection at once; a port that cannot be had is an error with its reason.

import { createServer, type Server } from 'node:net';
import { leanSocket } from '../base/lean-socket.ts';
import { ClientConnection } from './client-connection.ts';
import type { ClientParts } from './client-parts.ts';

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

export class Listener {
  readonly #server: Server;

  constructor(parts: ClientParts) {
    // Half-open: a client that has sent its last command may still read the replies.
    const options = { allowHalfOpen: true, noDelay: true, pauseOnConnect: true };
    this.#server = createServer(options, (accepted) => {
      new ClientConnection(parts, leanSocket(accepted)).start();
    });
  }

  /** Listens at `address`, port 0 for any; rejects with the system's error. */
  listen(address: ListenAddress, backlog: number): Promise<ListenAddress> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ ...address, backlog }, () => {
        this.#server.off('error', reject);
        // An accept that fails (no file left) loses that connection only; the listener goes on.
        this.#server.on('error', () => {});
        const bound = this.#server.address();
        const port = typeof bound === 'object' && bound !== null ? bound.port : address.port;
        resolve({ host: address.host, port });
      });
    });
  }

  /** Accepts nobody any more; connections that exist stay. */
  close(): void {
    this.#server.close();
  }
}
