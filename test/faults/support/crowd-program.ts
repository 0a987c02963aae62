// The process of a crowd (crowd.ts): it has open files of its own. Promise: it does what it is told, reports
// how many of its clients are gone, and ends with the process that started it.

import { connect, type Socket } from 'node:net';
import { reset } from '../../../src/base/reset.ts';
import { ReturningClients } from '../../support/returning-clients.ts';
import type { CrowdReport, CrowdTask } from './crowd.ts';

/** As many as one of the machine's addresses may have ports: see ip_local_port_range. */
const PER_ADDRESS = 10_000;
const CONNECT_AT_ONCE = 200;
const REPORT_EVERY_MS = 50;
const PATIENCE_MS = 5000;
const RECONNECT_MS = 100;

const sockets: Socket[] = [];
let closed = 0;

function report(message: CrowdReport): void {
  process.send?.(message);
}

function open(port: number, index: number, first: string, reads: boolean): Promise<void> {
  const localAddress = `127.0.0.${2 + Math.floor(index / PER_ADDRESS)}`;
  const socket = connect({ host: '127.0.0.1', port, localAddress, noDelay: true });
  sockets.push(socket);
  return new Promise((resolve) => {
    socket.on('error', () => {});
    socket.on('close', () => {
      closed += 1;
      resolve();
    });
    socket.on('connect', () => {
      if (first !== '') socket.write(first);
      if (reads) socket.resume();
      resolve();
    });
  });
}

async function gather({
  port,
  clients,
  first,
  reads,
}: Extract<CrowdTask, { kind: 'gather' }>): Promise<void> {
  for (let made = 0; made < clients; made += CONNECT_AT_ONCE) {
    const some = Math.min(CONNECT_AT_ONCE, clients - made);
    await Promise.all(Array.from({ length: some }, (_, i) => open(port, made + i, first, reads)));
  }
  report({ kind: 'gathered' });
}

function comeAgain({ port, clients }: Extract<CrowdTask, { kind: 'come_again' }>): void {
  const idle = new ReturningClients({
    port,
    patienceMs: PATIENCE_MS,
    reconnectMs: RECONNECT_MS,
    left: (client) => {
      closed += 1;
      client.end();
    },
  });
  for (let i = 0; i < clients; i += 1) idle.come((client) => client.closed, null);
  report({ kind: 'gathered' });
}

process.on('message', (task: CrowdTask) => {
  if (task.kind === 'gather') void gather(task);
  else if (task.kind === 'come_again') comeAgain(task);
  else for (const socket of sockets) if (!socket.destroyed) socket.write(task.text);
});
process.on('disconnect', () => {
  for (const socket of sockets) reset(socket);
  process.exit();
});
setInterval(() => report({ kind: 'closed', closed }), REPORT_EVERY_MS);
