// The other end of the admin address: updates of a bouncer, one after another, and single answers. Promise:
// what is read is bounded; a failure says what was asked, what was found and what to do, and never holds
// the token.

import { request, type IncomingMessage } from 'node:http';
import type { Update } from './schemas.ts';

/** Where a bouncer's admin address is. */
export type Target =
  { readonly kind: 'url'; readonly url: URL } | { readonly kind: 'socket'; readonly path: string };

/** An update has a few hundred rows, each of bounded texts. */
const EVENT_CHARACTERS_MAX = 4 * 1024 * 1024;
/** The bouncer sends an update each second, or after twenty times what it took to make one. */
const SILENCE_TIMEOUT_MS = 30_000;
const REFUSAL_BYTES_MAX = 4096;

/** `token`: the operator token; empty for none. Ends, or throws, when the stream does. */
export async function* updates(
  target: Target,
  token: string,
  signal: AbortSignal,
): AsyncGenerator<Update, void, undefined> {
  const shown = shownTarget(target);
  try {
    const response = await ask(target, { token, path: '/api/events', signal });
    if (response.statusCode !== 200) throw new Error(await refusalOf(response));
    for await (const data of events(response)) yield JSON.parse(data) as Update;
  } catch (error) {
    if (signal.aborted) return;
    throw new Error(`Cannot read ${shown}: ${wordsFor(error)}`, { cause: error });
  }
}

/** Answers are a few MiB at most: 1000 rows, or all metrics. */
const ANSWER_CHARACTERS_MAX = 16 * 1024 * 1024;

/** The body of a GET of `path`. Rejects where it is not answered with 200. */
export async function read(
  target: Target,
  token: string,
  path: string,
  signal: AbortSignal,
): Promise<string> {
  try {
    const response = await ask(target, { token, path, signal });
    if (response.statusCode !== 200) throw new Error(await refusalOf(response));
    let text = '';
    response.setEncoding('utf8');
    for await (const piece of response) {
      text += String(piece);
      if (text.length > ANSWER_CHARACTERS_MAX) throw new Error('its answer has no end');
    }
    return text;
  } catch (error) {
    throw new Error(`Cannot read ${shownTarget(target)}: ${wordsFor(error)}`, { cause: error });
  }
}

export function shownTarget(target: Target): string {
  return target.kind === 'url' ? target.url.origin : target.path;
}

interface Question {
  readonly token: string;
  readonly path: string;
  readonly signal: AbortSignal;
}

function ask(target: Target, { token, path, signal }: Question): Promise<IncomingMessage> {
  const headers = {
    ...(token !== '' && { authorization: `Bearer ${token}` }),
  };
  const place =
    target.kind === 'socket'
      ? { socketPath: target.path, host: 'localhost' }
      : { host: target.url.hostname.replace(/^\[|\]$/g, ''), port: target.url.port || 80 };
  return new Promise((resolve, reject) => {
    const asked = request({
      ...place,
      path,
      headers,
      signal,
      timeout: SILENCE_TIMEOUT_MS,
    });
    asked.once('response', resolve);
    asked.once('error', reject);
    asked.once('timeout', () => asked.destroy(new Error('it was silent for 30 s')));
    asked.end();
  });
}

/** The data of each event. */
async function* events(response: IncomingMessage): AsyncGenerator<string, void, undefined> {
  let text = '';
  response.setEncoding('utf8');
  for await (const piece of response) {
    text += String(piece);
    for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n')) {
      const data = /^data: (.*)$/m.exec(text.slice(0, end))?.[1];
      text = text.slice(end + 2);
      if (data !== undefined) yield data;
    }
    if (text.length > EVENT_CHARACTERS_MAX) throw new Error('what it sends is not an update');
  }
}

async function refusalOf(response: IncomingMessage): Promise<string> {
  let text = '';
  response.setEncoding('utf8');
  for await (const piece of response) {
    text += String(piece);
    if (text.length > REFUSAL_BYTES_MAX) break;
  }
  const said = /"error":"([^"]{0,300})"/.exec(text)?.[1];
  if (said !== undefined) return `it answered ${response.statusCode}: ${said}`;
  return response.statusCode === 404
    ? 'it answered 404, so it is not an admin address. Name the admin.address of the bouncer'
    : `it answered ${response.statusCode}`;
}

function wordsFor(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error ? String(error.code) : '';
  if (code === 'ECONNREFUSED' || code === 'ENOENT') {
    return `nothing listens there (${code}). Start the bouncer, or name its admin.address`;
  }
  // As the port of clients, or Faktory.
  if (code.startsWith('HPE_')) {
    return 'it does not speak HTTP, so it is not an admin address. Name the admin.address of the bouncer';
  }
  return error.message === '' ? code : error.message;
}
