// The project's own files as text. Promise: what .gitignore leaves out is left out; a place in a
// file is told as `path:line`.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '..', '..');
/** What could be read as text; anything else has no style. */
const TEXT = /\.(ts|js|json|md|ya?ml|mod|sum)$|(^|\/)(\.[a-z]+|[A-Z][A-Za-z]*|run)$/;

export interface Source {
  /** From the project's root, with `/`. */
  readonly path: string;
  readonly text: string;
}

/** One import or re-export. */
export interface Import {
  readonly specifier: string;
  /** Nothing of it is left when the types are stripped. */
  readonly isType: boolean;
  readonly index: number;
}

/** All text files of the project. */
export function allSources(): readonly Source[] {
  const ignored = readFileSync(join(ROOT, '.gitignore'), 'utf8').split('\n');
  const folders = new Set(['.git', ...ignored.map((line) => line.replace(/\/$/, ''))]);
  return filesIn('', folders).map((path) => ({
    path,
    text: readFileSync(join(ROOT, path), 'utf8'),
  }));
}

function filesIn(folder: string, ignored: ReadonlySet<string>): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (ignored.has(path) || ignored.has(entry.name)) return [];
    if (entry.isDirectory()) return filesIn(path, ignored);
    return entry.isFile() && TEXT.test(path) ? [path] : [];
  });
}

/** `path:line` of the character at `index`. */
export function place({ path, text }: Source, index: number): string {
  return `${path}:${text.slice(0, index).split('\n').length}`;
}

const STATEMENT = /^(?:import|export)\s+(type\s+)?([\w*{][^'";]*?)\s*from\s*'([^']+)'/gm;
const BARE = /^import\s+'([^']+)'/gm;
const DYNAMIC = /\bimport\('([^']+)'\)/g;

/** Everything that the file imports. */
export function importsOf({ text }: Source): readonly Import[] {
  const found: Import[] = [];
  for (const { 1: type, 2: names = '', 3: specifier = '', index } of text.matchAll(STATEMENT)) {
    found.push({ specifier, isType: type !== undefined || onlyTypes(names), index });
  }
  for (const pattern of [BARE, DYNAMIC]) {
    for (const { 1: specifier = '', index } of text.matchAll(pattern)) {
      found.push({ specifier, isType: false, index });
    }
  }
  return found;
}

function onlyTypes(names: string): boolean {
  const listed = /^\{(.*)\}$/s.exec(names.trim())?.[1];
  if (listed === undefined) return false;
  const members = listed.split(',').map((member) => member.trim());
  return members.every((member) => member === '' || member.startsWith('type '));
}

/** The path that a relative import of `path` means. */
export function resolved(path: string, specifier: string): string {
  const parts = path.split('/').slice(0, -1);
  for (const part of specifier.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '.') parts.push(part);
  }
  return parts.join('/');
}
