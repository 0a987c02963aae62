// The files that are made from the option table: `npm run generate` writes them, a test compares
// them. Pure, except the last lines.

import { writeFileSync } from 'node:fs';
import { z } from 'zod';

import { renderConfigPage, renderProgramPage } from './man-pages.ts';
import { OPTIONS, OPTION_KEYS, SECTIONS, isOptionKey } from './options.ts';
import type { OptionKey } from './options.ts';
import { nameOf, renderOptions, scalar, sectionsOf } from './render-yaml.ts';

const COMMENT_WIDTH = 92;

/** The generated files: path from the project's root, and what makes the text. */
export const GENERATED = {
  'config/faktory-bouncer.yaml': renderYaml,
  'config/faktory-bouncer.schema.json': renderSchema,
  'docs/configuration.md': renderDocs,
  'docs/man/faktory-bouncer.1': renderProgramPage,
  'docs/man/faktory-bouncer.yaml.5': renderConfigPage,
} as const;

/** A file with every option at its default. */
export function renderYaml(): string {
  const head = [
    '# yaml-language-server: $schema=./faktory-bouncer.schema.json',
    '# Every option of faktory-bouncer with its default, written by `npm run generate`. Copy it, and keep',
    '# what you change. Durations: 250ms, 2s, 5m, 1h. Sizes: 100B, 64KiB, 16MiB, 1GiB, also kB, MB, GB.',
    '# Check a file with: faktory-bouncer check FILE',
  ];
  const body = renderOptions(
    (key) => OPTIONS[key].fallback,
    (key) => {
      if (!isOptionKey(key)) return wrapped(SECTIONS[key] ?? '');
      const { doc, kind } = OPTIONS[key];
      return wrapped(`${doc} (${kind.range.replaceAll('`', '')})`);
    },
  );
  return `${head.join('\n')}\n${body}`;
}

/** JSON Schema of the file, for editors. */
export function renderSchema(): string {
  const schema = z.strictObject(shapeOf(null));
  const json = z.toJSONSchema(schema, { io: 'input', target: 'draft-7' });
  return `${JSON.stringify({ title: 'faktory-bouncer', ...json }, null, 2)}\n`;
}

/** The page that explains files, environment, units and every option. */
export function renderDocs(): string {
  return `${INTRODUCTION}\n${topNames().map(optionsOf).join('\n\n')}\n`;
}

/** A heading, a table and a paragraph for each option, of a section or of an option without one. */
function optionsOf(name: string): string {
  const keys = isOptionKey(name)
    ? [name]
    : OPTION_KEYS.filter((key) => sectionsOf(key)[0] === name);
  const rows = keys.map((key) => {
    const { kind, fallback, reloadable } = OPTIONS[key];
    const shown = scalar(fallback);
    return [`\`${key}\``, kind.type, `\`${shown}\``, kind.range, reloadable ? 'yes' : 'restart'];
  });
  const about = Object.keys(SECTIONS)
    .filter((section) => section === name || section.startsWith(`${name}.`))
    .map((section) => (section === name ? '' : `\`${section}\`: `) + SECTIONS[section]);
  const texts = keys.map((key) =>
    isOptionKey(name) ? OPTIONS[key].doc : `\`${key}\`: ${OPTIONS[key].doc}`,
  );
  const head = ['Key', 'Type', 'Default', 'Range', 'Reload'];
  return [`### ${name}`, ...about, table([head, ...rows]), ...texts].join('\n\n');
}

const INTRODUCTION = `# Configuration

\`npm run generate\` writes this page from the option table in \`src/config/options.ts\`.

Without any configuration the bouncer listens on 127.0.0.1:7519 and dials Faktory on 127.0.0.1:7419.

## Where values come from

A place overrides those below it:

1. the command line: \`--listen\`, \`--server\`, \`--mode\`;
2. environment variables: \`FAKTORY_BOUNCER_\` and the option's key in upper case, with \`_\` for the dot, for example \`FAKTORY_BOUNCER_LIMITS_CLIENTS=5000\`;
3. the file: YAML, named by \`--config FILE\` (\`-c FILE\`) or by \`FAKTORY_BOUNCER_CONFIG\`;
4. the defaults.

\`config/faktory-bouncer.yaml\` has every option at its default: copy it, and keep what you change. Its first line names \`config/faktory-bouncer.schema.json\`, with which editors complete and check it.

## Check a file

\`faktory-bouncer check FILE\` reads a file together with the environment. It prints the configuration in force, with passwords hidden, or every problem at once. A problem names its line and column, its variable or its flag. The exit code is then 2.

- A wrong value is a problem even if another place overrides it.
- An empty file is refused, at the start and by a reload: it is what a full disk or an interrupted write leaves. \`{}\`, or a file of comments, asks for all defaults.
- YAML aliases, merge keys and second documents are refused.
- An environment variable that starts with \`FAKTORY_BOUNCER_\` and is not an option is ignored, with a warning. Variables that Kubernetes sets for a Service, such as \`FAKTORY_BOUNCER_SERVICE_HOST\` and \`FAKTORY_BOUNCER_PORT_7519_TCP\`, are ignored silently.

## Units

- Durations are a whole number and \`ms\`, \`s\`, \`m\` or \`h\`: \`250ms\`, \`2s\`, \`5m\`, \`1h\`. A number without a unit is refused.
- Sizes are a whole number and \`B\`, \`KiB\`, \`MiB\` or \`GiB\` (powers of 1024), or \`kB\`, \`MB\` or \`GB\` (powers of 1000): \`16MiB\`, \`100B\`.
- Addresses are \`host:port\`. With port 0 the system picks a free port, which the log then names.
- An IPv6 address has brackets, and in YAML quotes around all of it: \`"[::1]:7519"\`.

## Faktory's password

The bouncer needs Faktory's password. It looks in two places:

1. \`server.url\`: \`tcp://:password@host:port\`, with special characters percent-encoded;
2. \`FAKTORY_PASSWORD\`, read as Faktory reads it. A value that starts with \`/\` names a file that holds the password; white space around it is ignored.

A password in \`--server\` is refused, because every user of the machine can read the process list.

## Open files

Each connection needs an open file. The bouncer does not start if \`limits.clients\` + \`limits.server_connections\` + 1128 is more than the process may open. 1000 of the 1128 are for clients that are being refused. Raise the limit (\`ulimit -n\`, \`LimitNOFILE=\` in systemd), or lower \`limits.clients\`.

## Options

The column Reload says whether [a reload](operations.md#reload) applies a new value (yes), or a restart is needed.
`;

function leaf(key: OptionKey): z.ZodType {
  const { kind, fallback, doc } = OPTIONS[key];
  const description = `${doc} Allowed: ${kind.range.replaceAll('`', '')}`;
  return kind.schema.prefault(fallback).meta({ description });
}

function section(name: string): z.ZodType {
  return z
    .strictObject(shapeOf(name))
    .meta({ description: SECTIONS[name] ?? '' })
    .optional();
}

/** The options and sections right below a section; null: the file itself. */
function shapeOf(parent: string | null): Record<string, z.ZodType> {
  const parentOf = (key: string): string | null => sectionsOf(key).at(-1) ?? null;
  const inside = OPTION_KEYS.flatMap((key) => [...sectionsOf(key), key]);
  const own = [...new Set(inside)].filter((key) => parentOf(key) === parent);
  return Object.fromEntries(
    own.map((key) => [nameOf(key), isOptionKey(key) ? leaf(key) : section(key)]),
  );
}

/** Sections, and options outside of any section, in the order of the table. */
function topNames(): readonly string[] {
  return [...new Set(OPTION_KEYS.map((key) => sectionsOf(key)[0] ?? key))];
}

/** A Markdown table with its columns aligned, as Prettier has them. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  const lines = rows.map((row) => {
    const cells = row.map((cell, column) => cell.padEnd(widths[column] ?? 0));
    return `| ${cells.join(' | ')} |`;
  });
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return [...lines.slice(0, 1), rule, ...lines.slice(1)].join('\n');
}

function wrapped(text: string): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > COMMENT_WIDTH) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}

if (import.meta.main) {
  for (const [path, render] of Object.entries(GENERATED)) {
    writeFileSync(new URL(`../../${path}`, import.meta.url), render());
  }
}
