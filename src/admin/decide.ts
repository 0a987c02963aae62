// What a request is answered with. Promise: the path and its method come first, then who asks, then the query;
// a route is run only when all three are allowed. The body of a request is not read.

import type { IncomingMessage } from 'node:http';
import { type Asking, isLoopback, judge } from './access.ts';
import { type Answer, failure } from './answers.ts';
import { STREAMS_MAX } from './event-streams.ts';
import type { Route, RouteParts } from './route.ts';
import { ROUTES } from './routes.ts';

/** What decides beside the request. */
export interface Circumstances {
  readonly parts: RouteParts;
  /** The operator token, empty if there is none. */
  readonly token: string;
  /** Only processes of this machine that the file's permissions allow can connect. */
  readonly isOnSocket: boolean;
  /** Whether another stream may be opened. */
  readonly hasRoomForStream: boolean;
}

/** Rejects with what the route throws. */
export async function answerTo(
  request: IncomingMessage,
  { parts, token, isOnSocket, hasRoomForStream }: Circumstances,
): Promise<Answer> {
  const [path = '', search = ''] = (request.url ?? '').split('?', 2);
  const found = routeFor(request, path);
  if ('status' in found) return found;
  const verdict = judge(found.access, askingOf(request, isOnSocket), token);
  if (verdict.kind === 'refused') {
    const { challenge } = verdict;
    const refused = failure(path, verdict.status, verdict.text);
    return challenge === null ? refused : { ...refused, challenge };
  }
  if (found.answers === 'text/event-stream' && !hasRoomForStream) {
    return failure(path, 503, `Cannot open another stream: all ${STREAMS_MAX} are taken`);
  }
  const query = queryFor(found, search);
  if ('refused' in query) return failure(path, 400, `Cannot use the query: ${query.refused}`);
  const tells = found.tells ?? 'figures';
  if (tells !== 'nothing') await parts.views.operated.bring?.(tells);
  const answer = await found.handle(parts, query.values);
  if (found.access === 'operate') parts.views.forget();
  return answer;
}

/** The answer where a route has thrown. */
export function failed({ url = '' }: IncomingMessage): Answer {
  const [path = ''] = url.split('?', 1);
  return failure(path, 500, 'Cannot answer: see the log of faktory-bouncer');
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
