// The admin listener: status page, API, metrics and probes over HTTP. Promise: it stands outside every cap
// on client connections, is itself bounded in connections, header bytes, streams and time, reads no
// request body, and answers until close() is called. What the answers say is left to the routes.

import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Address, SocketPath } from '../base/address.ts';
import type { Clock } from '../base/clock.ts';
import { type Asking, isLoopback, judge } from './access.ts';
import { AdminConnections } from './admin-connections.ts';
import { failure, type Answer } from './answers.ts';
import { Compression } from './compression.ts';
import { EventStreams, STREAMS_MAX } from './event-streams.ts';
import { bind } from './listening.ts';
import type { Operated } from './operated.ts';
import { CONTENT_SECURITY_POLICY } from './page-files.ts';
import type { Route, RouteParts } from './route.ts';
import { ROUTES } from './routes.ts';
import type { Update } from './schemas.ts';
import { Views } from './views.ts';

export interface AdminServerOptions extends Omit<RouteParts, 'views'> {
  readonly operated: Operated;
  readonly clock: Clock;
  /** Empty: nothing can be changed, and only local connections are answered. */
  readonly token: string;
  /** Permissions of the socket where a path is listened on. */
  readonly socketMode: number;
  readonly log: { warn(fields: object, text: string): void };
}

const CONNECTIONS_MAX = 64;
const HEADER_BYTES_MAX = 8 * 1024;
const REQUEST_TIMEOUT_MS = 5000;
/** A peer that neither sends nor reads for this long is cut off. */
const SILENCE_TIMEOUT_MS = 15_000;
const KEEP_ALIVE_TIMEOUT_MS = 5000;
/** What an answer under way may take at close() before it is cut off. */
const CLOSE_GRACE_MS = 1000;
/** Rows of each list in an update; more are had from the API. */
const UPDATE_ROWS = 100;

export class AdminServer {
  readonly #options: AdminServerOptions;
  readonly #parts: RouteParts;
  readonly #streams: EventStreams;
  readonly #compression = new Compression();
  readonly #server: Server;
  /** Only processes of this machine that the file's permissions allow can connect. */
  #isOnSocket = false;

  constructor(options: AdminServerOptions) {
    const { operated, clock, metrics, readiness, page } = options;
    this.#options = options;
    this.#parts = { views: new Views(operated, clock), metrics, readiness, page };
    this.#streams = new EventStreams({
      clock,
      update: () => JSON.stringify(this.#update()),
      onFailed: (error) => this.#warn(error),
    });
    this.#server = this.#createServer();
  }

  /** Resolves with the address that was bound, so that port 0 can be asked for. */
  async listen(place: Address | SocketPath): Promise<Address | SocketPath> {
    this.#isOnSocket = 'path' in place;
    const bound = await bind(this.#server, place, this.#options.socketMode);
    this.#server.on('error', (error) => {
      this.#options.log.warn({ reason: error.message }, 'The admin listener reported an error');
    });
    return bound;
  }

  /** Takes no more requests, lets those under way finish for a moment, then ends them. */
  close(): Promise<void> {
    this.#streams.close();
    return new Promise((resolve) => {
      // Node's timer directly: shutdown's last second is not part of any decision.
      const cut = setTimeout(() => this.#server.closeAllConnections(), CLOSE_GRACE_MS);
      this.#server.close(() => {
        clearTimeout(cut);
        resolve();
      });
      this.#server.closeIdleConnections();
    });
  }

  #createServer(): Server {
    const connections = new AdminConnections(CONNECTIONS_MAX);
    const answer = (request: IncomingMessage, response: ServerResponse): void => {
      connections.asked(request.socket);
      response.once('close', () => connections.answered(request.socket));
      void this.#answer(request, response);
    };
    const server = createServer(
      {
        maxHeaderSize: HEADER_BYTES_MAX,
        headersTimeout: REQUEST_TIMEOUT_MS,
        requestTimeout: REQUEST_TIMEOUT_MS,
        keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
        connectionsCheckingInterval: 1000,
      },
      answer,
    );
    // Without this listener Node would invite the body with 100 Continue.
    server.on('checkContinue', answer);
    server.on('connection', (socket) => connections.opened(socket));
    server.timeout = SILENCE_TIMEOUT_MS;
    return server;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [path = '', search = ''] = (request.url ?? '').split('?', 2);
    try {
      const answer = await this.#decide(request, path, search);
      this.#send(request, response, answer, await this.#compressed(request, answer));
    } catch (error) {
      this.#warn(error);
      const text = 'Cannot answer: see the log of faktory-bouncer';
      this.#send(request, response, failure(path, 500, text), null);
    }
  }

  async #decide(request: IncomingMessage, path: string, search: string): Promise<Answer> {
    const found = routeFor(request, path);
    if ('status' in found) return found;
    const verdict = judge(found.access, askingOf(request, this.#isOnSocket), this.#options.token);
    if (verdict.kind === 'refused') {
      const { challenge } = verdict;
      const refused = failure(path, verdict.status, verdict.text);
      return challenge === null ? refused : { ...refused, challenge };
    }
    if (found.answers === 'text/event-stream' && !this.#streams.hasRoom) {
      return failure(path, 503, `Cannot open another stream: all ${STREAMS_MAX} are taken`);
    }
    const query = queryFor(found, search);
    if ('refused' in query) return failure(path, 400, `Cannot use the query: ${query.refused}`);
    const answer = await found.handle(this.#parts, query.values);
    if (found.access === 'operate') this.#parts.views.forget();
    return answer;
  }

  /** Null if the answer is to be sent as it is. */
  #compressed({ method, headers }: IncomingMessage, answer: Answer): Promise<Buffer | null> | null {
    if (method !== 'GET' || answer.streams === true) return null;
    return this.#compression.compressed(answer.body, headers['accept-encoding']?.toString());
  }

  /** `gzipped`: its body in gzip, if that is to be sent. */
  #send(
    request: IncomingMessage,
    response: ServerResponse,
    answer: Answer,
    gzipped: Buffer | null,
  ): void {
    response.statusCode = answer.status;
    response.setHeader('Content-Type', answer.contentType);
    response.setHeader('Cache-Control', 'no-store');
    response.setHeader('Vary', 'Accept-Encoding');
    response.setHeader('X-Content-Type-Options', 'nosniff');
    response.setHeader('Referrer-Policy', 'no-referrer');
    response.setHeader('Cross-Origin-Resource-Policy', 'same-origin');
    response.setHeader('Content-Security-Policy', policyFor(answer));
    if (answer.allow !== undefined) response.setHeader('Allow', answer.allow);
    if (answer.challenge !== undefined) response.setHeader('WWW-Authenticate', answer.challenge);
    // A body is not read, so nothing after it on this connection can be either.
    if (hasBody(request)) response.setHeader('Connection', 'close');
    if (answer.streams === true && request.method === 'GET') {
      this.#streams.open(response);
      return;
    }
    const { afterwards } = answer;
    if (afterwards !== undefined) response.once('close', afterwards);
    const body = gzipped ?? answer.body;
    if (gzipped !== null) response.setHeader('Content-Encoding', 'gzip');
    response.setHeader('Content-Length', Buffer.byteLength(body));
    // Node leaves the body out for HEAD.
    response.end(body);
  }

  #update(): Update {
    const { views } = this.#parts;
    const { workers, producers } = views.crowds();
    return {
      state: views.state(),
      workers: { total: workers.length, rows: workers.slice(0, UPDATE_ROWS) },
      producers: { total: producers.length, rows: producers.slice(0, UPDATE_ROWS) },
    };
  }

  #warn(error: unknown): void {
    const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#options.log.warn({ reason }, 'Cannot answer an admin request');
  }
}

/** The row of the table, or why there is none. */
function routeFor({ method = '' }: IncomingMessage, path: string): Route | Answer {
  const here = ROUTES.filter((route) => route.path === path);
  if (here.length === 0) return failure(path, 404, 'Cannot find this path: see docs/admin.md');
  const asked = method === 'HEAD' ? 'GET' : method;
  const found = here.find((route) => route.method === asked);
  if (found !== undefined) return found;
  const allow = here.map((route) => (route.method === 'GET' ? 'GET, HEAD' : 'POST')).join(', ');
  const text = `Cannot take this method: use ${allow.replace(', ', ' or ')}`;
  return { ...failure(path, 405, text), allow };
}

function askingOf({ headers, socket }: IncomingMessage, isOnSocket: boolean): Asking {
  const header = (name: string): string | undefined => {
    const value = headers[name];
    return typeof value === 'string' ? value : undefined;
  };
  const { localAddress, remoteAddress } = socket;
  return {
    isLocal: isOnSocket || (isLoopback(localAddress) && isLoopback(remoteAddress)),
    host: headers.host,
    origin: headers.origin,
    fetchSite: header('sec-fetch-site'),
    fetchMode: header('sec-fetch-mode'),
    authorization: headers.authorization,
    contentType: headers['content-type'],
  };
}

function queryFor(
  { query }: Route,
  search: string,
): { readonly values: unknown } | { readonly refused: string } {
  if (query === null) return { values: null };
  const parameters = new URLSearchParams(search);
  const names = [...parameters.keys()];
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) return { refused: 'a parameter is given twice' };
  const read = query.safeParse(Object.fromEntries(parameters));
  if (read.success) return { values: read.data };
  const issue = read.error.issues[0];
  return { refused: `${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`.trim() };
}

/** What is not a page runs nothing and shows nothing, wherever it is opened. */
function policyFor({ isPage }: Answer): string {
  return isPage === true
    ? CONTENT_SECURITY_POLICY
    : "default-src 'none'; frame-ancestors 'none'; sandbox";
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0';
}
