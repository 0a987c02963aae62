// Who may import what. Promise: the arrows between rooms that docs/architecture.md draws are the
// only ones there are.

import { importsOf, place, resolved, type Import, type Source } from './sources.ts';

/** What a room may import beside itself: paths, or folders by their final slash. */
interface Arrows {
  readonly any: readonly string[];
  /** These with `import type` only. */
  readonly types: readonly string[];
}

const ROOMS: Readonly<Record<string, Arrows>> = {
  'src/client/': {
    any: ['src/admission/', 'src/protocol/', 'src/base/'],
    types: ['src/lanes/', 'src/server/'],
  },
  'src/lanes/': {
    any: ['src/server/', 'src/protocol/', 'src/base/'],
    types: ['src/admission/'],
  },
  'src/server/': { any: ['src/protocol/', 'src/base/'], types: [] },
  'src/transport/': { any: ['src/base/'], types: [] },
  'src/sharing/': { any: ['src/base/counters.ts'], types: ['src/base/clock.ts'] },
  'src/redis/': {
    any: ['src/protocol/redis-errors.ts'],
    types: ['src/base/clock.ts', 'src/sharing/'],
  },
  'src/admission/': { any: ['src/base/'], types: ['src/protocol/error-texts.ts'] },
  'src/admin/': {
    any: [
      'src/admission/outcomes.ts',
      'src/client/client-states.ts',
      'src/server/server-states.ts',
      'src/sharing/sharing-counts.ts',
    ],
    types: ['src/observe/', 'src/client/', 'src/server/', 'src/base/'],
  },
  'src/processes/': {
    any: ['src/observe/', 'src/sharing/', 'src/base/backoff.ts'],
    types: [
      'src/admin/',
      'src/client/client-facts.ts',
      'src/config/config.ts',
      'src/server/server-facts.ts',
      'src/base/clock.ts',
      'src/base/address.ts',
    ],
  },
  'src/top/': { any: ['src/admin/'], types: [] },
  'src/advise/': { any: ['src/admin/admin-client.ts'], types: ['src/admin/'] },
  'src/observe/': {
    any: [
      'src/client/',
      'src/lanes/',
      'src/server/',
      'src/transport/',
      'src/protocol/',
      'src/sharing/',
      'src/base/counters.ts',
      'src/base/check.ts',
      'src/base/stdout-lines.ts',
    ],
    types: ['src/admission/', 'src/redis/', 'src/base/clock.ts', 'src/base/live.ts'],
  },
  'src/protocol/': { any: [], types: [] },
  'src/config/': { any: [], types: ['src/base/address.ts', 'src/transport/tls-files.ts'] },
  'src/base/': { any: [], types: [] },
};

/** Files outside of any room: they build or start the whole. */
const ABOVE = new Set([
  'src/main.ts',
  'src/exit.ts',
  'src/run.ts',
  'src/parent.ts',
  'src/child-main.ts',
  'src/start-failure.ts',
  'src/bouncer.ts',
  'src/drain.ts',
  'src/gauges.ts',
  'src/shared-limit.ts',
  'src/upstream.ts',
  'src/stored-writes.ts',
  'src/settings.ts',
  'src/reloads.ts',
  'src/surroundings.ts',
  'src/version.ts',
]);

/** Modules that belong to one place. */
const OWNED: Readonly<Record<string, readonly string[]>> = {
  'prom-client': ['src/observe/'],
  pino: ['src/observe/'],
  'hot-shots': ['src/observe/'],
  ioredis: ['src/redis/'],
  yaml: ['src/config/'],
  zod: ['src/config/', 'src/admin/'],
  'node:http': ['src/admin/'],
};

/** Rooms and files that decide and do nothing else. */
const PURE = [
  'src/advise/connection-rules.ts',
  'src/advise/crowds.ts',
  'src/advise/findings.ts',
  'src/advise/flight-rules.ts',
  'src/advise/from-bouncer.ts',
  'src/advise/from-prometheus.ts',
  'src/advise/leak-rules.ts',
  'src/advise/pool.ts',
  'src/advise/render.ts',
  'src/protocol/',
  'src/admission/',
  'src/lanes/adaptive-limit.ts',
  'src/sharing/fence-watch.ts',
  'src/sharing/holder.ts',
  'src/sharing/lease.ts',
  'src/sharing/lend.ts',
  'src/sharing/timing.ts',
  'src/sharing/wants.ts',
  'src/lanes/command-connections.ts',
  'src/lanes/fetch-flow.ts',
  'src/lanes/fetch-growth.ts',
  'src/lanes/fetch-pace.ts',
  'src/lanes/fetch-sets.ts',
  'src/lanes/lane-width.ts',
] as const;
const IMPURE_MODULE = /^node:(net|tls|http|timers|dns|fs|worker_threads)\b|^(pino|prom-client)$/;
const IMPURE_FILE = /^src\/(base\/(clock|deadlines|poll-until|hasher)|observe\/([a-z]+-)?log)\.ts$/;
const IMPURE_CALL = /\b(setTimeout|setInterval|setImmediate|queueMicrotask|process\.nextTick)\b/g;

/** Started by other means than an import. */
const ENTRANCES = new Set([
  'src/main.ts',
  'src/child-main.ts',
  'src/config/generate.ts',
  'src/admin/openapi.ts',
  'src/base/hash-worker.ts',
]);

/** Imports that point the wrong way. */
export function wrongArrows(sources: readonly Source[]): readonly string[] {
  return eachImport(sources, (source, { specifier, isType }) => {
    if (!specifier.startsWith('.') || ABOVE.has(source.path)) return null;
    const room = roomOf(source.path);
    if (room === null) return `a file outside of every room, use a folder of docs/architecture.md`;
    const target = resolved(source.path, specifier);
    const arrows = ROOMS[room];
    if (arrows === undefined || isWithin(target, [room, ...arrows.any])) return null;
    if (isWithin(target, arrows.types)) {
      return isType ? null : `${room} imports ${target} at run time, use import type`;
    }
    const allowed = [...arrows.any, ...arrows.types.map((path) => `types of ${path}`)];
    return `${room} imports ${target}, use ${allowed.join(', ') || 'nothing but itself'}`;
  });
}

/** Allowed arrows, by target, that no import uses: they allow what the picture does not show. */
export function unusedArrows(sources: readonly Source[]): readonly string[] {
  const used = new Set<string>();
  for (const source of sources) {
    const room = roomOf(source.path);
    for (const { specifier } of importsOf(source)) {
      if (!specifier.startsWith('.')) continue;
      const target = resolved(source.path, specifier);
      used.add(`${room} ${target}`);
      used.add(`${room} ${roomOf(target)}`);
    }
  }
  return Object.entries(ROOMS).flatMap(([room, { any, types }]) =>
    [...any, ...types]
      .filter((target) => !used.has(`${room} ${target}`))
      .map((target) => `test/tidy/rooms.ts:1: ${room} may import ${target}, use it or forbid it`),
  );
}

/** Arrows of the flowchart on `page` that are not allowed, and allowed ones that it does not draw. */
export function undrawnArrows(page: Source): readonly string[] {
  const drawn = new Set(
    [...page.text.matchAll(/^ {2}(\w+) (-->|-\.->) (\w+)$/gm)].map(
      ({ 1: from, 2: arrow, 3: to }) => `${from} ${arrow} ${to}`,
    ),
  );
  const allowed = new Set(
    Object.entries(ROOMS).flatMap(([room, { any, types }]) => {
      const solid = any.map((target) => folderOf(target));
      const dotted = types.map((target) => folderOf(target)).filter((to) => !solid.includes(to));
      const from = folderOf(room);
      return [
        ...solid.map((to) => `${from} --> ${to}`),
        ...dotted.map((to) => `${from} -.-> ${to}`),
      ];
    }),
  );
  return [
    ...[...allowed]
      .filter((arrow) => !drawn.has(arrow))
      .map((arrow) => `${page.path}:1: ${arrow} is allowed and not drawn, use it in the flowchart`),
    ...[...drawn]
      .filter((arrow) => !allowed.has(arrow))
      .map((arrow) => `${page.path}:1: ${arrow} is drawn and not allowed, use no such arrow`),
  ];
}

/** The room's name as the page has it: `client` of `src/client/` and of a file in it. */
function folderOf(path: string): string {
  return path.split('/')[1] ?? path;
}

/** Modules that are imported outside of their place. */
export function strayModules(sources: readonly Source[]): readonly string[] {
  return eachImport(sources, ({ path }, { specifier }) => {
    const owners = OWNED[specifier];
    if (owners === undefined || isWithin(path, owners)) return null;
    return `imports ${specifier}, use it in ${owners.join(' and ')} only`;
  });
}

/** What keeps a pure room from being tested without a clock or a socket. */
export function impurities(sources: readonly Source[]): readonly string[] {
  const pure = sources.filter(({ path }) => isWithin(path, PURE));
  const imports = eachImport(pure, ({ path }, { specifier }) => {
    const target = specifier.startsWith('.') ? resolved(path, specifier) : specifier;
    if (!IMPURE_MODULE.test(target) && !IMPURE_FILE.test(target)) return null;
    return `imports ${target} in a pure room, use a parameter such as now`;
  });
  const calls = pure.flatMap((source) =>
    [...source.text.matchAll(IMPURE_CALL)].map(
      ({ 0: call, index }) =>
        `${place(source, index)}: ${call} in a pure room, use a deadline of the caller`,
    ),
  );
  return [...imports, ...calls];
}

/** Files that import each other, types included: none of them can be understood before the others. */
export function circles(sources: readonly Source[]): readonly string[] {
  const imports = new Map(
    sources.map((source) => {
      const relative = importsOf(source).filter(({ specifier }) => specifier.startsWith('.'));
      return [source.path, relative.map(({ specifier }) => resolved(source.path, specifier))];
    }),
  );
  const reached = (from: string): ReadonlySet<string> => {
    const seen = new Set<string>();
    const todo = [...(imports.get(from) ?? [])];
    for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
      if (seen.has(next)) continue;
      seen.add(next);
      todo.push(...(imports.get(next) ?? []));
    }
    return seen;
  };
  return sources.flatMap(({ path }) =>
    (imports.get(path) ?? [])
      .filter((target) => reached(target).has(path))
      .map((target) => `${path}:1: ${target} leads back to it, use a type of the lower file`),
  );
}

/** Files that nobody in src imports. */
export function orphans(sources: readonly Source[]): readonly string[] {
  const imported = new Set<string>();
  for (const source of sources) {
    for (const { specifier } of importsOf(source)) {
      if (specifier.startsWith('.')) imported.add(resolved(source.path, specifier));
    }
  }
  return sources
    .filter(({ path }) => !imported.has(path) && !ENTRANCES.has(path))
    .map(({ path }) => `${path}:1: imported by no file of src, use it or delete it`);
}

function eachImport(
  sources: readonly Source[],
  judge: (source: Source, found: Import) => string | null,
): readonly string[] {
  return sources.flatMap((source) =>
    importsOf(source).flatMap((found) => {
      const wrong = judge(source, found);
      return wrong === null ? [] : [`${place(source, found.index)}: ${wrong}`];
    }),
  );
}

function roomOf(path: string): string | null {
  return Object.keys(ROOMS).find((room) => path.startsWith(room)) ?? null;
}

function isWithin(path: string, places: readonly string[]): boolean {
  return places.some((here) => (here.endsWith('/') ? path.startsWith(here) : path === here));
}
