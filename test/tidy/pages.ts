// What the pages say of the code. Promise: a name in one and not in the other is one line that says
// which and where.

import { place, type Source } from './sources.ts';

/** Names that the code has and `page` does not spell in backticks. */
export function missingFrom(
  page: Source,
  what: string,
  names: readonly string[],
): readonly string[] {
  return names
    .filter((name) => !page.text.includes(`\`${name}\``))
    .map((name) => `${page.path}:1: ${what} ${name} is not named, use a row for it`);
}

/** What `pattern` finds on the pages (its first group) and `names` does not hold. */
export function unknownOn(
  pages: readonly Source[],
  what: string,
  pattern: RegExp,
  names: ReadonlySet<string>,
): readonly string[] {
  return pages.flatMap((page) =>
    [...page.text.matchAll(pattern)].flatMap(({ 1: name = '', index }) =>
      names.has(name)
        ? []
        : [`${place(page, index)}: the code has no ${what} ${name}, use a name that it has`],
    ),
  );
}

/** The part of a page under `heading`, up to the next heading that is not below it. */
export function section(page: Source, heading: string): Source {
  const lines = page.text.split('\n');
  const start = lines.indexOf(heading);
  const level = heading.indexOf(' ');
  const isEnd = (line: string): boolean => /^#+ /.test(line) && line.indexOf(' ') <= level;
  const end = start === -1 ? -1 : lines.findIndex((line, at) => at > start && isEnd(line));
  const inside = start === -1 ? [] : lines.slice(start, end === -1 ? lines.length : end);
  return { path: `${page.path} (${heading})`, text: inside.join('\n') };
}

/** What is in backticks in the first column of the tables. */
export function firstColumn({ text }: Source): readonly string[] {
  return [...text.matchAll(/^\| `([^`]+)` +\|/gm)].map(({ 1: name = '' }) => name);
}

/** The first columns under `heading` are `names`, no more and no less. */
export function tableDiffers(
  page: Source,
  heading: string,
  names: readonly string[],
): readonly string[] {
  const rows = firstColumn(section(page, heading));
  const line = page.text.slice(0, Math.max(0, page.text.indexOf(heading))).split('\n').length;
  const missing = names.filter((name) => !rows.includes(name));
  const surplus = rows.filter((name) => !names.includes(name));
  return [
    ...missing.map((name) => `${page.path}:${line}: ${name} has no row, use one for it`),
    ...surplus.map((name) => `${page.path}:${line}: the code has no ${name}, use no row for it`),
  ];
}

/** Tables whose rows may begin alike, by their first heading. */
const REPEATING = new Set(['consumers', 'language']);
/** Characters from which on two lines of a paragraph or a list say the same. */
const SAME_START = 36;

/** Lines and rows of a page that begin as an earlier one of the same section or table does. */
export function saidTwice(pages: readonly Source[]): readonly string[] {
  return pages.flatMap(({ path, text }) => {
    const found: string[] = [];
    const seen = new Set<string>();
    let table: string | null = null;
    text.split('\n').forEach((line, index) => {
      const row = /^\| *(.*?) *\|/.exec(line)?.[1] ?? null;
      if (/^#+ /.test(line) || (row === null) !== (table === null)) seen.clear();
      if (row === null) table = null;
      else table ??= row;
      if (table !== null && REPEATING.has(table)) return;
      const start = row ?? line.slice(0, SAME_START);
      if (seen.has(start)) found.push(`${path}:${index + 1}: ${start} is said twice, use one`);
      if (row !== null || line.length > SAME_START) seen.add(start);
    });
    return found;
  });
}
