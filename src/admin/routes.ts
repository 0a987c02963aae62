// Every path of the admin address, once: method, query, access, what it answers and what makes the
// answer. The server dispatches by this table, and the OpenAPI document is made from it.

import { isIP } from 'node:net';
import { z } from 'zod';
import { CLIENT_STATES } from '../client/client-states.ts';
import type { ClientChoice } from '../client/client-facts.ts';
import { drain, disconnect, pause, reload, resume } from './acts.ts';
import type { Answer } from './answers.ts';
import { json, text } from './answers.ts';
import type { PagePath } from './page-files.ts';
import { type Route, type RouteParts, route } from './route.ts';
import { contains, page } from './rows.ts';
import * as schema from './schemas.ts';
import { historyOf } from './state-view.ts';

const ROWS_MAX = 1000;
const rowsShape = {
  limit: z.coerce.number().int().min(1).max(ROWS_MAX).default(100).describe('most rows'),
  offset: z.coerce.number().int().min(0).max(1_000_000_000).default(0).describe('rows to skip'),
};
const text128 = z.string().min(1).max(128);
const search = text128.optional().describe('text that a row must contain');

const clientQuery = z.strictObject({
  ...rowsShape,
  q: search,
  role: z.enum(['producer', 'worker', 'unknown']).optional(),
  state: z.enum(CLIENT_STATES).optional(),
  wid: text128.optional(),
  address: text128.optional(),
});
const crowdQuery = z.strictObject({ ...rowsShape, q: search });
const serverQuery = z.strictObject({ ...rowsShape, wid: text128.optional() });
const choiceQuery = z
  .strictObject({
    wid: text128.optional().describe('all connections of this worker'),
    address: text128
      .refine((address) => isIP(address) !== 0, 'must be an IP address, such as 10.0.0.5')
      .optional()
      .describe('all connections from this address'),
    id: z.coerce.number().int().min(1).optional().describe('one connection, by its number'),
  })
  .describe('a connection must match all parameters that are given; at least one is required');

const TEXT = 'text/plain';

export const ROUTES: readonly Route[] = [
  route({
    method: 'GET',
    path: '/',
    about: 'the status page',
    access: 'read',
    tells: 'nothing',
    query: null,
    answers: 'text/html',
    handle: (parts) => pageFile(parts, '/'),
  }),
  ...(['/page.js', '/page.css'] as const).map((path) =>
    route({
      method: 'GET',
      path,
      about: 'a part of the status page',
      access: 'read',
      tells: 'nothing',
      query: null,
      answers: path === '/page.js' ? 'text/javascript' : 'text/css',
      handle: (parts) => pageFile(parts, path),
    }),
  ),
  route({
    method: 'GET',
    path: '/metrics',
    about: 'all metrics, as Prometheus text',
    access: 'anyone',
    query: null,
    answers: TEXT,
    handle: async ({ views, metrics }, _query, askedAt) => ({
      status: 200,
      body: await views.metrics(askedAt),
      contentType: metrics.contentType,
    }),
  }),
  route({
    method: 'GET',
    path: '/livez',
    about: '200 while the event loop runs',
    access: 'anyone',
    isProbe: true,
    tells: 'nothing',
    query: null,
    answers: TEXT,
    handle: () => text(200, 'alive'),
  }),
  route({
    method: 'GET',
    path: '/readyz',
    about: '200 while Faktory is up and the bouncer does not drain, otherwise 503 and the reason',
    access: 'anyone',
    isProbe: true,
    query: null,
    answers: TEXT,
    handle: ({ readiness }) => {
      const found = readiness();
      if (!found.ready) return text(503, `not ready: ${found.reason}`);
      return text(200, found.detail === undefined ? 'ready' : `ready: ${found.detail}`);
    },
  }),
  route({
    method: 'GET',
    path: '/api/state',
    about: 'counts, limits and peaks of everything',
    access: 'read',
    query: null,
    answers: schema.stateSchema,
    handle: ({ views }) => json(200, views.state()),
  }),
  route({
    method: 'GET',
    path: '/api/history',
    about: 'one sample for each second of the last ten minutes',
    access: 'read',
    query: null,
    answers: schema.historySchema,
    handle: ({ views }) => json(200, historyOf(views.operated)),
  }),
  route({
    method: 'GET',
    path: '/api/clients',
    about: 'client connections, those that have waited longest first',
    access: 'read',
    tells: 'rows',
    query: clientQuery,
    answers: schema.clientsSchema,
    handle: ({ views }, query) =>
      json(
        200,
        page(
          views.clients().filter((row) => isWanted(row, query)),
          query,
        ),
      ),
  }),
  route({
    method: 'GET',
    path: '/api/workers',
    about: 'workers by their wid; those with most waiting, then with most connections first',
    access: 'read',
    tells: 'rows',
    query: crowdQuery,
    answers: schema.workersSchema,
    handle: ({ views }, query) =>
      json(
        200,
        page(
          views
            .crowds()
            .workers.filter((row) =>
              contains([row.wid, row.host, row.address, ...row.labels], query.q ?? ''),
            ),
          query,
        ),
      ),
  }),
  route({
    method: 'GET',
    path: '/api/producers',
    about: 'producers by their address; those with most waiting, then with most connections first',
    access: 'read',
    tells: 'rows',
    query: crowdQuery,
    answers: schema.producersSchema,
    handle: ({ views }, query) =>
      json(
        200,
        page(
          views.crowds().producers.filter((row) => contains([row.address], query.q ?? '')),
          query,
        ),
      ),
  }),
  route({
    method: 'GET',
    path: '/api/servers',
    about: 'server connections, those whose command has been at Faktory longest first',
    access: 'read',
    tells: 'rows',
    query: serverQuery,
    answers: schema.serversSchema,
    handle: ({ views }, query) =>
      json(
        200,
        page(
          views.servers().filter(({ wid }) => query.wid === undefined || wid === query.wid),
          query,
        ),
      ),
  }),
  route({
    method: 'GET',
    path: '/api/config',
    about: 'the configuration in force, without secrets',
    access: 'read',
    tells: 'nothing',
    query: null,
    answers: schema.configSchema,
    handle: ({ views }) =>
      json(200, {
        options: views.operated.options().map(({ key, value, fallback, reloadable }) => ({
          key,
          value,
          default: fallback,
          reloadable,
        })),
      }),
  }),
  route({
    method: 'GET',
    path: '/api/events',
    about: 'server-sent events: an update each second',
    access: 'read',
    tells: 'rows',
    query: null,
    answers: 'text/event-stream',
    handle: () => ({ status: 200, body: '', contentType: 'text/event-stream', streams: true }),
  }),
  route({
    method: 'POST',
    path: '/api/reload',
    about: 'reads the configuration again; 422 if it cannot be used',
    access: 'operate',
    tells: 'nothing',
    query: null,
    answers: schema.reloadSchema,
    handle: ({ views }) => reload(views.operated),
  }),
  route({
    method: 'POST',
    path: '/api/pause',
    about: 'stops sending commands to Faktory',
    access: 'operate',
    tells: 'nothing',
    query: null,
    answers: schema.pauseSchema,
    handle: ({ views }) => pause(views.operated),
  }),
  route({
    method: 'POST',
    path: '/api/resume',
    about: 'sends commands to Faktory again',
    access: 'operate',
    tells: 'nothing',
    query: null,
    answers: schema.pauseSchema,
    handle: ({ views }) => resume(views.operated),
  }),
  route({
    method: 'POST',
    path: '/api/drain',
    about: 'stops the bouncer in good order, as SIGTERM does',
    access: 'operate',
    tells: 'nothing',
    query: null,
    answers: schema.drainSchema,
    handle: ({ views }) => drain(views.operated),
  }),
  route({
    method: 'POST',
    path: '/api/disconnect',
    about: 'closes client connections by wid, address or number',
    access: 'operate',
    tells: 'nothing',
    query: choiceQuery,
    answers: schema.disconnectSchema,
    handle: ({ views }, { wid, address, id }) => {
      const choice: ClientChoice = {
        ...(wid !== undefined && { wid }),
        ...(address !== undefined && { address }),
        ...(id !== undefined && { id }),
      };
      return disconnect(views.operated, choice);
    },
  }),
];

/** Each path with what is said about it. */
export function listOfPaths(): string {
  return ROUTES.map(
    ({ method, path, about }) => `${method.padEnd(5)}${path.padEnd(17)}${about}`,
  ).join('\n');
}

function pageFile({ page: files }: RouteParts, path: PagePath): Answer {
  const file = files.get(path);
  if (file !== null) return { status: 200, ...file, isPage: true };
  if (path !== '/') return text(404, 'Cannot find the status page: run npm run build');
  return text(200, `The status page is not built: run npm run build.\n\n${listOfPaths()}`);
}

function isWanted(row: schema.Client, query: z.infer<typeof clientQuery>): boolean {
  if (query.role !== undefined && row.role !== query.role) return false;
  if (query.state !== undefined && row.state !== query.state) return false;
  if (query.wid !== undefined && row.wid !== query.wid) return false;
  if (query.address !== undefined && row.address !== query.address) return false;
  return contains([row.wid, row.host, row.address, ...row.labels], query.q ?? '');
}
