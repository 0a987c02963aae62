// The admin API as an OpenAPI 3.1 document, made from the route table: `npm run generate` writes it,
// a test compares it and lints it. Pure, except the last lines.

import { writeFileSync } from 'node:fs';
import { z } from 'zod';
import type { Access } from './access.ts';
import type { Route } from './route.ts';
import { ROUTES } from './routes.ts';
import { errorSchema, NAMED, updateSchema } from './schemas.ts';

/** From the project's root. */
export const OPENAPI_PATH = 'docs/openapi.json';

type Json = Record<string, unknown>;

const OPERATIONS: Readonly<Record<Access, readonly Json[]>> = {
  anyone: [],
  read: [{}, { token: [] }, { password: [] }],
  operate: [{ token: [] }],
};

export function renderOpenApi(): string {
  return `${JSON.stringify(openApi(), null, 2)}\n`;
}

function openApi(): Json {
  const documented = ROUTES.filter(({ path }) => !/^\/(?:page\.|$)/.test(path));
  const paths: Record<string, Json> = {};
  for (const route of documented) {
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operation(route) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Admin API of faktory-bouncer',
      version: '1',
      description:
        'Over loopback and a Unix socket reading needs nothing; from other machines everything except /metrics, /livez and /readyz needs the operator token. Acting always needs it. See docs/admin.md.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: 'http://127.0.0.1:7421', description: 'admin.address' }],
    paths,
    components: {
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: 'the operator token' },
        password: {
          type: 'http',
          scheme: 'basic',
          description: 'the operator token as the password, for browsers; it never acts',
        },
      },
      schemas: schemas(),
    },
  };
}

function operation(route: Route): Json {
  const { method, path, about, access, query } = route;
  const name = path.split('/').pop() ?? '';
  return {
    operationId: `${method.toLowerCase()}_${name}`,
    summary: about,
    security: OPERATIONS[access],
    ...(query !== null && { parameters: parametersOf(query) }),
    responses: { ...success(route), ...failures(route) },
  };
}

function success({ path, answers }: Route): Json {
  const status = path === '/api/drain' ? '202' : '200';
  if (answers instanceof z.ZodType) return { [status]: body('done', refOf(answers)) };
  const isStream = answers === 'text/event-stream';
  const events = { contentMediaType: 'application/json', contentSchema: refOf(updateSchema) };
  const schema = { type: 'string', ...(isStream && events) };
  const description = isStream ? 'an event `update` each second; its data is JSON' : 'the text';
  return { [status]: { description, content: { [answers]: { schema } } } };
}

function failures({ path, access, query, answers }: Route): Json {
  if (access === 'anyone') {
    const content = { 'text/plain': { schema: { type: 'string' } } };
    return {
      405: { description: 'another method than GET and HEAD', content },
      ...(path === '/readyz' && { 503: { description: 'not ready, and why', content } }),
    };
  }
  const failed = (description: string): Json => body(description, refOf(errorSchema));
  return {
    401: failed('the operator token is missing or wrong'),
    403: failed('not allowed: another Host, another site, or no token is configured'),
    ...(query !== null && { 400: failed('a parameter cannot be used') }),
    ...(access === 'operate' && { 415: failed('Content-Type is not application/json') }),
    ...(path === '/api/reload' &&
      answers instanceof z.ZodType && {
        422: body('the new configuration cannot be used; nothing was changed', refOf(answers)),
      }),
    ...(['/api/reload', '/api/pause', '/api/resume'].includes(path) && {
      501: failed('this version cannot do it'),
    }),
    ...(answers === 'text/event-stream' && { 503: failed('all streams are taken') }),
  };
}

function body(description: string, schema: Json): Json {
  return { description, content: { 'application/json': { schema } } };
}

function refOf(schema: z.ZodType): Json {
  return { $ref: `#/components/schemas/${NAMED.get(schema)?.id ?? ''}` };
}

function parametersOf(query: z.ZodObject): readonly Json[] {
  const { properties = {} } = z.toJSONSchema(query, { io: 'output' });
  return Object.entries(properties).map(([name, schema]) => {
    const { description, ...rest } = schema as Json;
    const isOptional = query.shape[name]?.safeParse(undefined).success ?? false;
    return {
      name,
      in: 'query',
      required: !isOptional,
      ...(description !== undefined && { description }),
      schema: rest,
    };
  });
}

/** As components: without the address that makes each a document of its own. */
function schemas(): Json {
  const made = z.toJSONSchema(NAMED, { uri: (id) => `#/components/schemas/${id}`, io: 'output' });
  return Object.fromEntries(
    Object.entries(made.schemas).map(([id, schema]) => {
      const { $schema: _schema, $id: _id, ...rest } = schema as Json;
      return [id, rest];
    }),
  );
}

if (import.meta.main) {
  writeFileSync(new URL(`../../${OPENAPI_PATH}`, import.meta.url), renderOpenApi());
}
