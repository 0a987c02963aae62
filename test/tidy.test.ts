// Style as a test: arrows between rooms, what may be imported where, and that code and pages name
// the same things. Each finding is a line `path:line: X, use Y`.

import t, { type Test } from 'tap';
import { ROUTES } from '../src/admin/routes.ts';
import { TOKEN_VARIABLE } from '../src/config/admin-token.ts';
import { HELP } from '../src/config/command-line.ts';
import { CONFIG_VARIABLE } from '../src/config/environment.ts';
import { isOptionKey, OPTION_KEYS, SECTIONS, variableOf } from '../src/config/options.ts';
import { REFUSAL_REASONS } from '../src/admission/outcomes.ts';
import { CLIENT_END_REASONS } from '../src/client/client-states.ts';
import { STRAY_JOB_FATES } from '../src/lanes/lane-counts.ts';
import { Counts } from '../src/observe/counts.ts';
import { GUARD_RULES } from '../src/protocol/guard.ts';
import { SERVER_END_REASONS } from '../src/server/server-states.ts';
import { allFamilies } from '../src/observe/families/all.ts';
import { createMetrics } from '../src/observe/prometheus.ts';
import {
  commandTooLong,
  guardText,
  INVALID_PASSWORD,
  LIMIT_REASONS,
  CERTIFICATE_REFUSED,
  PROXY_HEADER_DUE,
  PROXY_ONLY,
  refusalText,
  TLS_REQUIRED,
} from '../src/protocol/error-texts.ts';
import { fullSnapshot } from './support/full-snapshot.ts';
import { banned, withoutHead } from './tidy/manners.ts';
import {
  firstColumn,
  missingFrom,
  saidTwice,
  section,
  tableDiffers,
  unknownOn,
} from './tidy/pages.ts';
import {
  circles,
  impurities,
  orphans,
  strayModules,
  undrawnArrows,
  unusedArrows,
  wrongArrows,
} from './tidy/rooms.ts';
import { allSources, type Source } from './tidy/sources.ts';
import { avoidedWords, deadLinks, missingFiles } from './tidy/words.ts';

const files = allSources();
const code = files.filter(({ path }) => /^src\/.*\.ts$/.test(path));
const pages = files.filter(({ path }) => /^(?:README|CONTRIBUTING|docs\/[\w-]+)\.md$/.test(path));
/** What users read beside the pages: options, usage, errors, log lines, metrics. */
const texts = files.filter(({ path }) =>
  /^(?:CHANGELOG\.md|config\/.*|src\/(?:[\w-]+|protocol\/error-texts|(?:config|admin|observe)\/.*)\.ts)$/.test(
    path,
  ),
);
const readme = file('README.md');
const operations = file('docs/operations.md');
const metricsPage = file('docs/metrics.md');
const adminPage = file('docs/admin.md');

function file(path: string): Source {
  return files.find((source) => source.path === path) ?? { path, text: '' };
}

function none(t: Pick<Test, 'pass' | 'fail'>, found: readonly string[]): void {
  for (const line of found) t.fail(line);
  if (found.length === 0) t.pass();
}

t.test('there is something to look at', async (t) => {
  t.ok(code.length > 60);
  t.ok(pages.length >= 9);
});

t.test('the arrows between rooms point one way', async (t) => none(t, wrongArrows(code)));

t.test('no files of src import each other, types included', async (t) => {
  none(t, circles(code));
  const one = { path: 'src/a.ts', text: "import type { B } from './b.ts';" };
  const other = { path: 'src/b.ts', text: "import { a } from './a.ts';" };
  t.equal(circles([one, other]).length, 2);
  t.equal(circles([one, { ...other, text: '' }]).length, 0);
});

t.test('every arrow that is allowed is used', async (t) => none(t, unusedArrows(code)));

t.test('the flowchart of the architecture draws the arrows that are allowed', async (t) => {
  none(t, undrawnArrows(section(file('docs/architecture.md'), '## The arrows')));
});

t.test('a library is imported in its own place only', async (t) => none(t, strayModules(code)));

t.test('protocol and admission know no socket, timer or log', async (t) => {
  none(t, impurities(code));
});

t.test('every file of src is imported', async (t) => none(t, orphans(code)));

t.test('every file of src says what it promises', async (t) => none(t, withoutHead(code)));

t.test('nothing is there that must not be', async (t) => none(t, banned(files)));

t.test('pages and texts are in plain words', async (t) => {
  t.ok(texts.length > 20);
  none(t, avoidedWords([...pages, ...texts]));
});

t.test('no page says a thing twice', async (t) => none(t, saidTwice(pages)));

t.test('no link of a page is dead', async (t) =>
  none(t, deadLinks([...pages, file('CHANGELOG.md')], files)),
);

t.test('a file that a page names exists', async (t) => none(t, missingFiles(pages, files)));

t.test('metrics: the code and the pages name the same', async (t) => {
  const scrape = await createMetrics(allFamilies('0.1.0'), new Counts(), fullSnapshot).render();
  const names = [...scrape.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(({ 1: name = '', 2: type }) => ({
    name,
    type,
  }));
  const spelled = names.flatMap(({ name, type }) =>
    type === 'histogram' ? [name, `${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
  );
  none(t, [
    ...missingFrom(
      metricsPage,
      'the metric',
      names.map(({ name }) => name),
    ),
    ...unknownOn(pages, 'metric', /\b(faktory_bouncer_[a-z0-9_]*[a-z0-9])\b/g, new Set(spelled)),
  ]);
});

t.test('options: the code and the pages name the same', async (t) => {
  const inSection = Object.keys(SECTIONS).join('|');
  const variables = new Set([CONFIG_VARIABLE, TOKEN_VARIABLE, ...OPTION_KEYS.map(variableOf)]);
  const ofKubernetes = /\bFAKTORY_BOUNCER_(?:SERVICE_HOST|PORT(?:_\d+_TCP)?)\b/g;
  none(t, [
    ...tableDiffers(file('docs/configuration.md'), '## Options', OPTION_KEYS),
    ...unknownOn(
      pages,
      'option',
      new RegExp(`\`((?:${inSection})\\.[a-z_]+)\``, 'g'),
      new Set([...OPTION_KEYS, ...Object.keys(SECTIONS)]),
    ),
    ...unknownOn(
      pages.map(({ path, text }) => ({ path, text: text.replaceAll(ofKubernetes, '') })),
      'variable',
      /\b(FAKTORY_BOUNCER_[A-Z_]*[A-Z])\b/g,
      variables,
    ),
  ]);
});

t.test('flags and exit codes: the code and operations name the same', async (t) => {
  const flagsOf = (text: string): Set<string> =>
    new Set([...text.matchAll(/(?<!\S)`?(--[a-z]+)\b/g)].map(({ 1: flag = '' }) => flag));
  const usage = section(operations, '## Command line');
  t.strictSame([...flagsOf(usage.text)].sort(), [...flagsOf(HELP)].sort());
  const exits = /const EXIT = \{(.*)\}/.exec(file('src/exit.ts').text)?.[1] ?? '';
  const codes = [...exits.matchAll(/: (\d+)/g)].map(({ 1: exitCode = '' }) => exitCode);
  t.ok(codes.length > 1);
  none(t, tableDiffers(operations, '### Exit codes', codes));
});

t.test('admin paths: the code and the pages name the same', async (t) => {
  const paths = ROUTES.map(({ method, path }) => `${method} ${path}`);
  const listed = firstColumn(adminPage).filter((name) => /^(?:GET|POST) \//.test(name));
  t.strictSame([...listed].sort(), [...paths].sort());
  const ofProbes = ROUTES.filter(({ access }) => access === 'anyone').map(({ path }) => path);
  none(t, missingFrom(readme, 'the admin path', ofProbes));
});

t.test(
  'reasons, rules and fates: the code and the tables of operations name the same',
  async (t) => {
    none(t, [
      ...tableDiffers(operations, '### Refusals', REFUSAL_REASONS),
      ...tableDiffers(operations, '### Guard rules', GUARD_RULES),
      ...tableDiffers(operations, '### Ends of client connections', CLIENT_END_REASONS),
      ...tableDiffers(operations, '### Ends of server connections', SERVER_END_REASONS),
      ...tableDiffers(operations, '### Fates of stray jobs', STRAY_JOB_FATES),
    ]);
  },
);

t.test('a refusal names an option that exists', async (t) => {
  for (const reason of LIMIT_REASONS) {
    t.ok(isOptionKey(limitIn(refusalText({ reason, now: 1, limit: 1 }))), reason);
  }
  for (const whose of ['worker', 'address'] as const) {
    t.ok(
      isOptionKey(limitIn(refusalText({ reason: 'connection_rate', of: whose, limit: 1 }))),
      whose,
    );
  }
  t.ok(isOptionKey(limitIn(commandTooLong(1))));
});

function limitIn(text: Buffer): string {
  return /([a-z_.]+) of faktory-bouncer/.exec(text.toString())?.[1] ?? '';
}

t.test('every error text is in operations as clients read it', async (t) => {
  const texts = [
    refusalText({ reason: 'unreachable', because: 'outage' }),
    refusalText({ reason: 'unreachable', because: 'login' }),
    refusalText({ reason: 'unreachable', because: 'tls' }),
    refusalText({ reason: 'unreachable', because: 'slow' }),
    refusalText({ reason: 'draining' }),
    refusalText({ reason: 'address_denied' }),
    refusalText({ reason: 'connection_rate', of: 'worker', limit: 0 }),
    refusalText({ reason: 'connection_rate', of: 'address', limit: 0 }),
    INVALID_PASSWORD,
    PROXY_HEADER_DUE,
    PROXY_ONLY,
    TLS_REQUIRED,
    CERTIFICATE_REFUSED,
    commandTooLong(0),
  ];
  for (const rule of GUARD_RULES) if (rule !== 'command_too_long') texts.push(guardText(rule));
  for (const reason of LIMIT_REASONS) {
    texts.push(refusalText({ reason, now: 0, limit: 0 }));
  }
  none(
    t,
    missingFrom(
      operations,
      'the text',
      texts.map((text) => text.toString().trimEnd().replaceAll(/\b0\b/g, 'N')),
    ),
  );
});
