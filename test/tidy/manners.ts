// How files read, and what must not be in them. Promise: each finding is one line that says where,
// what, and what to write instead.

import { place, type Source } from './sources.ts';

/** This file has to spell what the others must not. */
const SELF = 'test/tidy/manners.ts';

interface Ban {
  readonly pattern: RegExp;
  readonly files: RegExp;
  readonly instead: string;
}

const CODE = /\.ts$/;
const ANY = /./;

const BANS: readonly Ban[] = [
  { pattern: /^export default\b/gm, files: CODE, instead: 'a named export' },
  {
    pattern: /\.(?:only|skip)\(|\b(?:only|skip): true\b/g,
    files: /^test\/.*\.ts$/,
    instead: 'a test that runs, with all the others',
  },
  {
    pattern: /(?<![\w.])\/(?:work|opt|home|root|Users)\/[^\s'"`)]*/g,
    files: ANY,
    instead: 'a path from the root of the project',
  },
  {
    pattern: /\.\.\/shared\b|\b(?:FAKTORY|DESIGN|LESSONS|STYLE)\.md\b|\bissues show\b/g,
    files: ANY,
    instead: 'the fact itself, or a page of docs/',
  },
  {
    pattern:
      /\b(?:gcr|ghcr|quay|docker)\.io\b|\bregistry\.[a-z-]+\.[a-z]+\b|\bproxy\.golang\.org\b|"resolved": "https?:[^"]*/g,
    files: ANY,
    instead: 'no host: each machine has its own registry',
  },
];

/** Texts that must not be there. */
export function banned(sources: readonly Source[]): readonly string[] {
  return BANS.flatMap(({ pattern, files, instead }) =>
    sources
      .filter(({ path }) => path !== SELF && files.test(path))
      .flatMap((source) =>
        [...source.text.matchAll(pattern)].map(
          ({ 0: found, index }) => `${place(source, index)}: ${found}, use ${instead}`,
        ),
      ),
  );
}

/** Files that do not say what they promise. */
export function withoutHead(sources: readonly Source[]): readonly string[] {
  return sources
    .filter(({ text }) => !/^(?:#!.*\n)?\/\/ \S/.test(text))
    .map(({ path }) => `${path}:1: no head comment, use one to four lines that say its promise`);
}
