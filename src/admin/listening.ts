// Where the admin address listens: a TCP port, or a Unix socket with its permissions. Promise: a socket
// that an ended process has left is replaced, one that answers is not; a socket can be connected to only
// once it has its permissions.

import { chmodSync, existsSync, lstatSync, unlinkSync } from 'node:fs';
import type { Server } from 'node:http';
import { connect } from 'node:net';
import { dirname } from 'node:path';
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
    const shown = place.host.includes(':') ? `[${place.host}]` : place.host;
    await listening(server, place, `${shown}:${place.port}`, portWords);
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
    const bound = listening(server, { path }, path, (code) => socketWords(code, path));
    process.umask(umask);
    await bound;
  } finally {
    process.umask(umask);
  }
  chmodSync(path, socketMode);
  return place;
}

/** `wordsFor`: for an error code, what was found and what to do; null for no words. */
function listening(
  server: Server,
  options: object,
  shown: string,
  wordsFor: (code: string) => string | null,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error): void => {
      const code = 'code' in error ? String(error.code) : '';
      const words = wordsFor(code) ?? `${error.message}. Choose another address`;
      reject(new Error(`Cannot listen on admin.address ${shown}: ${words}`));
    };
    server.once('error', failed);
    server.listen(options, () => {
      server.off('error', failed);
      resolve();
    });
  });
}

function portWords(code: string): string | null {
  switch (code) {
    case 'EADDRINUSE':
      return 'the port is in use (EADDRINUSE). Stop the other process or choose another address';
    case 'EADDRNOTAVAIL':
      return 'this machine does not have the address (EADDRNOTAVAIL). Choose another address';
    case 'EACCES':
      return 'permission denied (EACCES). Choose another port';
    case 'ENOTFOUND':
      return 'the host name is unknown (ENOTFOUND). Choose another address';
    default:
      return null;
  }
}

function socketWords(code: string, path: string): string | null {
  const directory = dirname(path);
  // Node says EACCES for a directory that does not exist, too.
  if (code === 'EACCES' && !existsSync(directory)) {
    return `the directory ${directory} does not exist (ENOENT). Create it or choose another path`;
  }
  if (code === 'EACCES') {
    return `permission denied (EACCES). Let this user write to ${directory} or choose another path`;
  }
  if (code === 'EINVAL') return 'the path is too long for a socket (EINVAL). Choose a shorter one';
  if (code !== 'EADDRINUSE') return null;
  return isSocket(path)
    ? 'another process listens there (EADDRINUSE). Stop it or choose another path'
    : 'a file that is not a socket is there (EADDRINUSE). Remove it or choose another path';
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
