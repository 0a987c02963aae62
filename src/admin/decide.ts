// What a request is answered with. Promise: the path and its method come first, then who asks, then the query;
// a route is run only when all three are allowed. Probes and acts are answered at once, other requests in turn
// (turns.ts). The body of a request is not read.

import type { IncomingMessage } from 'node:http';
import { type Asking, isLoopback, judge } from './access.ts';
import { type Answer, failure } from './answers.ts';
import { queryWords } from './query-words.ts';
import type { Route, RouteParts } from './route.ts';
import { ROUTES } from './routes.ts';
import type { Turns } from './turns.ts';

/** What decides beside the request. */
export interface Circumstances {
  readonly parts: RouteParts;
  /** The operator token, empty if there is none. */
  readonly token: string;
  /** Only processes of this machine that the file's permissions allow can connect. */
  readonly isOnSocket: boolean;
  readonly turns: Turns;
  /** When the request came; monotonic ms. */
  readonly askedAt: number;
}

/** What may be run for a request. */
interface Allowed {
  readonly route: Route;
  readonly path: string;
  /** The query, not yet checked. */
  readonly search: string;
}

/** Null: the connection has ended, and nothing more is done for it. Rejects with what the route throws. */
export async function answerTo(
  request: IncomingMessage,
  circumstances: Circumstances,
): Promise<Answer | null> {
  const { parts, turns, askedAt } = circumstances;
  const { socket } = request;
  const allowed = allowedFor(request, circumstances);
  if ('status' in allowed) return turns.inTurn(socket, () => allowed);
  const { route, path, search } = allowed;
  const tells = route.tells ?? 'figures';
  const bring = async (): Promise<void> => {
    if (tells !== 'nothing') await parts.views.operated.bring?.(tells);
  };
  // The check of a query takes longer than many an answer.
  const made = async (): Promise<Answer> => {
    const query = queryFor(route, search);
    if ('refused' in query) return failure(path, 400, `Cannot use the query: ${query.refused}`);
    return route.handle(parts, query.values, askedAt);
  };
  if (route.access === 'operate') {
    const answer = await made();
    parts.views.forget();
    return answer;
  }
  if (route.isProbe === true) {
    return turns.spaced(socket, async () => {
      await bring();
      return made();
    });
  }
  // Not in its turn: a process that does not answer would hold up all that wait.
  await bring();
  return turns.inTurn(socket, made);
}

/** What is to be run, or the answer why nothing is. */
function allowedFor(
  request: IncomingMessage,
  { token, isOnSocket }: Circumstances,
): Allowed | Answer {
  const [path = '', search = ''] = (request.url ?? '').split('?', 2);
  const found = routeFor(request, path);
  if ('status' in found) return found;
  const verdict = judge(found.access, askingOf(request, isOnSocket), token);
  if (verdict.kind === 'refused') {
    const { challenge } = verdict;
    const refused = failure(path, verdict.status, verdict.text);
    return challenge === null ? refused : { ...refused, challenge };
  }
  return { route: found, path, search };
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
  return { refused: queryWords(query, read.error.issues[0]) };
}
