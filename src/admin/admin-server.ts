// The admin listener: status page, API, metrics and probes over HTTP. Promise: it stands outside every cap
// on client connections, is itself bounded in connections, header bytes, streams and time, reads no
// request body, and answers until close() is called. What is answered is decided in decide.ts, when in turns.ts.

import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Address, SocketPath } from '../base/address.ts';
import type { Clock } from '../base/clock.ts';
import { AdminConnections } from './admin-connections.ts';
import { type Answer, failure } from './answers.ts';
import { Compression, COMPRESSED_BYTES_MIN, compressionMs } from './compression.ts';
import { answerTo, failed } from './decide.ts';
import { EventStreams, STREAMS_MAX } from './event-streams.ts';
import { bind } from './listening.ts';
import type { Operated } from './operated.ts';
import type { RouteParts } from './route.ts';
import type { Update } from './schemas.ts';
import { send } from './send.ts';
import { Turns } from './turns.ts';
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
const NO_ROOM = failure('/api/', 503, `Cannot open another stream: all ${STREAMS_MAX} are taken`);

export class AdminServer {
  readonly #options: AdminServerOptions;
  readonly #parts: RouteParts;
  readonly #streams: EventStreams;
  readonly #compression = new Compression();
  readonly #turns: Turns;
  readonly #server: Server;
  #isOnSocket = false;

  constructor(options: AdminServerOptions) {
    const { operated, clock, metrics, readiness, page } = options;
    this.#options = options;
    this.#parts = { views: new Views(operated, clock, metrics), metrics, readiness, page };
    this.#turns = new Turns(clock);
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

  /** Takes no more requests, lets those under way finish for `graceMs`, then ends them. */
  close(graceMs = CLOSE_GRACE_MS): Promise<void> {
    this.#streams.close();
    return new Promise((resolve) => {
      // Node's timer directly: shutdown's last second is not part of any decision.
      const cut = setTimeout(() => this.#server.closeAllConnections(), graceMs);
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
      if (!connections.asked(request.socket)) return;
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
    // And would answer other expectations itself, any number of them.
    server.on('checkExpectation', answer);
    server.on('connection', (socket) => connections.opened(socket));
    server.timeout = SILENCE_TIMEOUT_MS;
    return server;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const answer = await answerTo(request, {
        parts: this.#parts,
        token: this.#options.token,
        isOnSocket: this.#isOnSocket,
        turns: this.#turns,
        askedAt: this.#options.clock.now(),
      });
      if (answer === null) return;
      this.#send(request, response, answer, await this.#compressed(request, answer));
    } catch (error) {
      this.#warn(error);
      this.#send(request, response, failed(request), null);
    }
  }

  /** Whether there is room for a stream is known only when it is opened: others were in the same line. */
  #send(
    request: IncomingMessage,
    response: ServerResponse,
    answer: Answer,
    gzipped: Buffer | null,
  ): void {
    const { clock } = this.#options;
    const startedAt = clock.now();
    const hasRoom = answer.streams !== true || this.#streams.hasRoom;
    send(request, response, hasRoom ? answer : NO_ROOM, gzipped, this.#streams);
    // Small ones are in what Turns adds to each; those that had no turn are small, and cost no other's time.
    const isSmall = answer.streams !== true && answer.body.length < COMPRESSED_BYTES_MIN;
    if (!isSmall) this.#turns.spent(clock.now() - startedAt);
  }

  /** Null if the answer is to be sent as it is. */
  #compressed({ method, headers }: IncomingMessage, answer: Answer): Promise<Buffer | null> | null {
    if (method !== 'GET' || answer.streams === true) return null;
    const { body } = answer;
    const gzipping = this.#compression.compressed(body, headers['accept-encoding']?.toString());
    if (gzipping !== null) this.#turns.spent(compressionMs(body));
    return gzipping;
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
