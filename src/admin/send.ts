// How an answer is sent. Promise: nothing may store it, frame it or run it, except what the status page says
// about itself; after a request with a body the connection is closed; nothing is written to one that has ended.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Answer } from './answers.ts';
import type { EventStreams } from './event-streams.ts';
import { CONTENT_SECURITY_POLICY } from './page-files.ts';

/** `gzipped`: its body in gzip, null if it goes as it is. A stream goes to `streams`. */
export function send(
  request: IncomingMessage,
  response: ServerResponse,
  answer: Answer,
  gzipped: Buffer | null,
  streams: EventStreams,
): void {
  const { afterwards } = answer;
  if (request.socket.destroyed) {
    afterwards?.();
    return;
  }
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
    streams.open(response);
    return;
  }
  if (afterwards !== undefined) response.once('close', afterwards);
  const body = gzipped ?? answer.body;
  if (gzipped !== null) response.setHeader('Content-Encoding', 'gzip');
  response.setHeader('Content-Length', Buffer.byteLength(body));
  // Node leaves the body out for HEAD.
  response.end(body);
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
