// An admin server before a bouncer that the test makes up, and requests to it as bytes on a socket.

import { request } from 'node:http';
import type { Test } from 'tap';
import { AdminServer } from '../../../src/admin/admin-server.ts';
import type { Operated } from '../../../src/admin/operated.ts';
import { PageFiles } from '../../../src/admin/page-files.ts';
import type { Readiness } from '../../../src/admin/route.ts';
import type { Address, SocketPath } from '../../../src/base/address.ts';
import { type Clock, SystemClock } from '../../../src/base/clock.ts';
import { Counts } from '../../../src/observe/counts.ts';
import { History } from '../../../src/observe/history.ts';
import { ADMIN_TOKEN } from '../../support/bouncer.ts';
import { fullSnapshot } from '../../support/full-snapshot.ts';

export const TOKEN = ADMIN_TOKEN;

export interface Asked {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

export interface Answered {
  readonly status: number | undefined;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: string;
}

export interface HouseOptions {
  readonly operated?: Partial<Operated>;
  readonly readiness?: () => Readiness;
  readonly render?: () => Promise<string>;
  readonly token?: string;
  readonly place?: Address | SocketPath;
  readonly socketMode?: number;
  readonly page?: PageFiles;
  readonly clock?: Clock;
}

/** A bouncer that is busy, and in which nothing happens. */
export function operatedStub(changes: Partial<Operated> = {}): Operated {
  return {
    version: '0.1.0',
    mode: 'pooled',
    counts: new Counts(),
    history: new History(),
    reloading: null,
    pausing: null,
    snapshot: () => fullSnapshot(),
    clientFacts: () => [],
    serverFacts: () => [],
    options: () => [],
    disconnect: () => 0,
    drain: async () => {},
    ...changes,
  };
}

export function adminServer(options: HouseOptions, warnings: object[]): AdminServer {
  return new AdminServer({
    metrics: {
      contentType: 'text/plain; version=0.0.4; charset=utf-8',
      ownProcess: async () => [],
      render: options.render ?? (async () => 'up 1\n'),
    },
    readiness: options.readiness ?? (() => ({ ready: true })),
    operated: operatedStub(options.operated),
    page: options.page ?? new PageFiles(new URL('./none/', import.meta.url)),
    clock: options.clock ?? new SystemClock(),
    token: options.token ?? TOKEN,
    socketMode: options.socketMode ?? 0o600,
    log: { warn: (fields) => void warnings.push(fields) },
  });
}

/** It is closed when the test ends. */
export async function startAdmin(t: Pick<Test, 'teardown'>, options: HouseOptions = {}) {
  const warnings: object[] = [];
  const admin = adminServer(options, warnings);
  const place = await admin.listen(options.place ?? { host: '127.0.0.1', port: 0 });
  t.teardown(() => admin.close());
  const address = 'port' in place ? place : { host: '', port: 0 };
  return { admin, address, place, warnings };
}

/** One request on a connection of its own. */
export function ask(
  place: Address | SocketPath,
  path: string,
  { method = 'GET', headers = {}, body }: Asked = {},
): Promise<Answered> {
  const target = 'path' in place ? { socketPath: place.path } : place;
  return new Promise((resolve, reject) => {
    const outgoing = request({ ...target, path, method, headers, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (piece: string) => (text += piece));
      response.on('end', () => {
        resolve({ status: response.statusCode, headers: response.headers, body: text });
      });
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

/** An act of the API, as an operator asks for it. */
export function act(place: Address | SocketPath, path: string, token = TOKEN): Promise<Answered> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  return ask(place, path, { method: 'POST', headers });
}
