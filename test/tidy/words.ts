// Plain English on the pages and in the texts that users read, and what pages point to. Promise: a word
// that the project avoids, or a dead link, is one line that says where it is and what to use instead.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { place, ROOT, type Source } from './sources.ts';

interface Word {
  readonly pattern: RegExp;
  readonly instead: string;
}

const WORDS: readonly Word[] = [
  { pattern: /\banew\b/gi, instead: 'again' },
  { pattern: /\bmend(?:s|ed|ing)?\b/gi, instead: 'fix' },
  { pattern: /\bforetold\b/gi, instead: 'predicted' },
  { pattern: /\blikewise\b/gi, instead: 'also' },
  { pattern: /\bfor ever\b/gi, instead: 'indefinitely' },
  { pattern: /\bbe it\b/gi, instead: 'whether' },
  { pattern: /\bshall\b/gi, instead: 'must' },
  { pattern: /\ball else\b/gi, instead: 'everything else' },
  { pattern: /\bin place of\b/gi, instead: 'instead of' },
  { pattern: /\bbut for\b/gi, instead: 'except' },
  { pattern: /\bwho(?:m|so)?ever\b/gi, instead: 'the client that' },
  { pattern: /\b(?:no|any|some|every)body\b/gi, instead: 'the client, or no client' },
  { pattern: /\bthe house\b/gi, instead: 'the server' },
  { pattern: /(?<!\bthere )\b(?:is|are) no (?!longer\b)/gi, instead: 'is not' },
  { pattern: /\b(?:say|says|said) (?:HELLO|PUSH|FETCH|BEAT|END|QUEUE)\b/g, instead: 'sends, sent' },
  { pattern: /\b(?:go|goes|gets|get) past\b/gi, instead: 'bypasses' },
  { pattern: /(?:^|[.;:|] +)(?:Who|who|Whose|whose) (?!.*\?)/gm, instead: 'the client that' },
];

/** Words that the project avoids. */
export function avoidedWords(sources: readonly Source[]): readonly string[] {
  return sources.flatMap((source) =>
    WORDS.flatMap(({ pattern, instead }) =>
      [...source.text.matchAll(pattern)].map(
        ({ 0: found, index }) => `${place(source, index)}: ${found.trim()}, use ${instead}`,
      ),
    ),
  );
}

const LINK = /\]\(([^)\s#]*)(?:#([^)\s]+))?\)/g;

/** Links of the pages to files that do not exist, or to headings that a page does not have. */
export function deadLinks(pages: readonly Source[], all: readonly Source[]): readonly string[] {
  return pages.flatMap((page) =>
    [...page.text.matchAll(LINK)].flatMap(({ 0: link, 1: path = '', 2: anchor, index }) => {
      if (/^https?:/.test(path)) return [];
      // A picture is no text.
      if (path.endsWith('.png') && existsSync(join(ROOT, from(page, path)))) return [];
      const target = path === '' ? page : all.find((source) => source.path === from(page, path));
      const isDead =
        target === undefined || (anchor !== undefined && !anchorsOf(target).has(anchor));
      return isDead ? [`${place(page, index)}: ${link} leads nowhere, use a link that does`] : [];
    }),
  );
}

const CODE_PATH = /`(?:src\/)?((?:[a-z-]+\/)+[a-z-]+\.ts)`/g;

/** Files of src that a page names and that do not exist. */
export function missingFiles(pages: readonly Source[], all: readonly Source[]): readonly string[] {
  const paths = new Set(all.map(({ path }) => path));
  return pages.flatMap((page) =>
    [...page.text.matchAll(CODE_PATH)].flatMap(({ 1: path = '', index }) =>
      paths.has(path) || paths.has(`src/${path}`)
        ? []
        : [`${place(page, index)}: there is no ${path}, use the file that does its job now`],
    ),
  );
}

function from({ path: page }: Source, path: string): string {
  const parts = page.split('/').slice(0, -1);
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '.') parts.push(part);
  }
  return parts.join('/');
}

/** The anchors of a page's headings, as GitHub makes them. */
function anchorsOf({ text }: Source): ReadonlySet<string> {
  const headings = [...text.matchAll(/^#+ (.+)$/gm)].map(({ 1: heading = '' }) => heading);
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
        .trim()
        .replaceAll(' ', '-'),
    ),
  );
}
