// The admin listener: metrics and probes over HTTP. Promise: it stands outside every cap on client
// connections, is itself bounded in connections, header bytes and time, reads no request body, and
// answers until close() is called. What the answers say is left to those it is built from.

import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { AdminConnections } from './admin-connections.ts';
import type { Metrics } from '../observe/prometheus.ts';

export type Readiness =
  { readonly ready: true } | { readonly ready: false; readonly reason: string };

export interface AdminServerOptions {
  readonly metrics: Metrics;
  /** Asked for each /readyz; the reason is one line and holds no secret. */
  readonly readiness: () => Readiness;
  readonly log: { warn(fields: object, text: string): void };
}

export interface AdminAddress {
  readonly host: string;
  readonly port: number;
}

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly contentType?: string;
}

/** Each path with what `/` says about it. */
export const ADMIN_PATHS = {
  '/': 'this list',
  '/metrics': 'all metrics, as Prometheus text',
  '/livez': '200 while the event loop runs',
  '/readyz': '200 while Faktory is up and the bouncer does not drain, otherwise 503 and the reason',
} as const;

const CONNECTIONS_MAX = 64;
const HEADER_BYTES_MAX = 8 * 1024;
const REQUEST_TIMEOUT_MS = 5000;
/** A peer that neither sends nor reads for this long is cut off. */
const SILENCE_TIMEOUT_MS = 15_000;
const KEEP_ALIVE_TIMEOUT_MS = 5000;
/** What an answer under way may take at close() before it is cut off. */
const CLOSE_GRACE_MS = 1000;

export class AdminServer {
  readonly #options: AdminServerOptions;
  readonly #server: Server;

  constructor(options: AdminServerOptions) {
    this.#options = options;
    const connections = new AdminConnections(CONNECTIONS_MAX);
    const answer = (request: IncomingMessage, response: ServerResponse): void => {
      connections.asked(request.socket);
      response.once('close', () => connections.answered(request.socket));
      void this.#answer(request, response);
    };
    this.#server = createServer(
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
    this.#server.on('checkContinue', answer);
    this.#server.on('connection', (socket) => connections.opened(socket));
    this.#server.timeout = SILENCE_TIMEOUT_MS;
  }

  /** Resolves with the address that was bound, so that port 0 can be asked for. */
  listen(address: AdminAddress): Promise<AdminAddress> {
    return new Promise((resolve, reject) => {
      const failed = (error: Error): void => {
        reject(
          new Error(
            `Cannot listen on admin.address ${address.host}:${address.port}: ${error.message}; choose another address or free this one`,
          ),
        );
      };
      this.#server.once('error', failed);
      this.#server.listen(address.port, address.host, () => {
        this.#server.off('error', failed);
        this.#server.on('error', (error) => {
          this.#options.log.warn({ reason: error.message }, 'The admin listener reported an error');
        });
        const bound = this.#server.address();
        resolve(
          typeof bound === 'object' && bound !== null
            ? { host: bound.address, port: bound.port }
            : address,
        );
      });
    });
  }

  /** Takes no more requests, lets those under way finish for a moment, then ends them. */
  close(): Promise<void> {
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

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      send(request, response, await this.#decide(request));
    } catch (error) {
      const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
      this.#options.log.warn({ reason }, 'Cannot answer an admin request');
      send(request, response, text(500, 'Cannot answer: see the log of faktory-bouncer'));
    }
  }

  async #decide(request: IncomingMessage): Promise<Answer> {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return text(405, 'Cannot take this method: use GET or HEAD');
    }
    switch (request.url?.split('?', 1)[0]) {
      case '/':
        return text(200, listOfPaths());
      case '/livez':
        return text(200, 'alive');
      case '/readyz': {
        const readiness = this.#options.readiness();
        return readiness.ready ? text(200, 'ready') : text(503, `not ready: ${readiness.reason}`);
      }
      case '/metrics': {
        const { metrics } = this.#options;
        return { status: 200, body: await metrics.render(), contentType: metrics.contentType };
      }
      default:
        return text(404, 'Cannot find this path: GET / lists them');
    }
  }
}

function text(status: number, line: string): Answer {
  return { status, body: `${line}\n` };
}

function listOfPaths(): string {
  return Object.entries(ADMIN_PATHS)
    .map(([path, what]) => `${path.padEnd(10)}${what}`)
    .join('\n');
}

function send(request: IncomingMessage, response: ServerResponse, answer: Answer): void {
  response.statusCode = answer.status;
  response.setHeader('Content-Type', answer.contentType ?? 'text/plain; charset=utf-8');
  response.setHeader('Content-Length', Buffer.byteLength(answer.body));
  response.setHeader('Cache-Control', 'no-store');
  response.setHeader('X-Content-Type-Options', 'nosniff');
  if (answer.status === 405) response.setHeader('Allow', 'GET, HEAD');
  // A body is not read, so nothing after it on this connection can be either.
  if (hasBody(request)) response.setHeader('Connection', 'close');
  // Node leaves the body out for HEAD.
  response.end(answer.body);
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0';
}
