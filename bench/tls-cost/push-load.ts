// Clients that PUSH, plain or over TLS, and the server that answers them. Promise: each client has one command on
// its way, so that each command and each answer is a record of its own.

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { connect as tlsConnect } from 'node:tls';
import type { Address } from '../harness/proxy.ts';

const LINE = `PUSH {"jid":"abcdefghijk1","jobtype":"t","args":["${'x'.repeat(200)}"],"queue":"q"}\r\n`;

/** Greets as Faktory does, and answers +OK to each line. It does not keep the process alive. */
export async function startAnswerer(): Promise<Address> {
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => {});
    socket.write('+HI {"v":2}\r\n');
    socket.on('data', (bytes) => {
      let lines = 0;
      for (const byte of bytes) if (byte === 10) lines += 1;
      socket.write('+OK\r\n'.repeat(lines));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  server.unref();
  return { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
}

/** A client that is logged in. `caFile`: whose certificate the proxy has; null: without TLS. */
export async function logIn({ host, port }: Address, caFile: string | null): Promise<Socket> {
  const raw = connect({ host, port, noDelay: true });
  await once(raw, 'connect');
  const ca = caFile === null ? null : readFileSync(caFile);
  const socket = ca === null ? raw : tlsConnect({ socket: raw, ca, servername: 'localhost' });
  await once(socket, 'data');
  socket.write('HELLO {"v":2}\r\n');
  await once(socket, 'data');
  return socket;
}

/** Sends `commands` PUSHes, each when the one before is answered. */
export function push(socket: Socket, commands: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let left = commands;
    socket.on('error', reject);
    socket.on('data', () => {
      left -= 1;
      if (left === 0) resolve();
      else socket.write(LINE);
    });
    socket.write(LINE);
  });
}
