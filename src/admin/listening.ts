// Where the admin address listens: a TCP port, or a Unix socket with its permissions. Promise: a socket
// that an ended process has left is replaced, one that answers is not; a socket can be connected to only
// once it has its permissions.

import { chmodSync, lstatSync, unlinkSync } from 'node:fs';
import type { Server } from 'node:http';
import { connect } from 'node:net';
import type { Address, SocketPath } from '../base/address.ts';

/** No permission for anyone: until chmod has given those that are configured. */
const CLOSED_UMASK = 0o777;

/** Rejects with what to do. Resolves with what was bound. */
export async function bind(
  server: Server,
  place: Address | SocketPath,
  socketMode: number,
): Promise<Address | SocketPath> {
  if (!('path' in place)) {
    await listening(server, place, `${place.host}:${place.port}`);
    const bound = server.address();
    return typeof bound === 'object' && bound !== null
      ? { host: bound.address, port: bound.port }
      : place;
  }
  const { path } = place;
  if (isSocket(path) && !(await answers(path))) unlinkSync(path);
  const umask = process.umask(CLOSED_UMASK);
  try {
    // The system call happens within this turn, so no other file gets the mask.
    const bound = listening(server, { path }, path);
    process.umask(umask);
    await bound;
  } finally {
    process.umask(umask);
  }
  chmodSync(path, socketMode);
  return place;
}

function listening(server: Server, options: object, shown: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error): void => {
      reject(
        new Error(
          `Cannot listen on admin.address ${shown}: ${error.message}; choose another address or free this one`,
        ),
      );
    };
    server.once('error', failed);
    server.listen(options, () => {
      server.off('error', failed);
      resolve();
    });
  });
}

function isSocket(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSocket() ?? false;
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
