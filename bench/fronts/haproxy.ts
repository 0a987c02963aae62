// HAProxy as its manual would have a TCP proxy: one thread, time-outs longer than any FETCH.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { findProgram } from '../../test/support/find-faktory.ts';
import type { Address } from '../load/connection.ts';
import { PeerProcess } from './peer-process.ts';

const PROGRAM = 'haproxy';
const CLIENTS_MAX = 20_000;
/** What it needs besides two files for each client. */
const OWN_FILES = 100;

/** Its version, or undefined where it is not installed. */
export function haproxyVersion(): string | undefined {
  const program = findProgram(PROGRAM);
  if (program === undefined) return undefined;
  return /version (\S+)/.exec(execFileSync(program, ['-v'], { encoding: 'utf8' }))?.[1];
}

export function startHaproxy(server: Address): Promise<PeerProcess> {
  return PeerProcess.start({
    name: 'haproxy',
    program: PROGRAM,
    config: (port) => haproxyConfig(port, server, openFilesMax()),
    // -db: one process, in the foreground.
    args: (file) => ['-db', '-f', file],
  });
}

/** It refuses to start with a maxconn that it has not the files for. */
export function haproxyConfig(port: number, server: Address, filesMax: number): string {
  const clientsMax = Math.min(CLIENTS_MAX, Math.floor((filesMax - OWN_FILES) / 2));
  return `global
  nbthread 1
  maxconn ${clientsMax}
defaults
  mode tcp
  timeout connect 5s
  timeout client 1h
  timeout server 1h
listen bench
  bind 127.0.0.1:${port} backlog 4096
  server faktory ${server.host}:${server.port}
`;
}

/** The hard limit, which a process may raise its own to. */
function openFilesMax(): number {
  const limits = readFileSync('/proc/self/limits', 'utf8');
  return Number(/^Max open files\s+\S+\s+(\d+)/m.exec(limits)?.[1] ?? Infinity);
}
