// The files of the status page. Promise: they are read once, and only those that are named here are
// ever sent; a program that was not built has no page, and says so.

import { readFileSync } from 'node:fs';

export interface PageFile {
  readonly contentType: string;
  readonly body: Buffer;
}

const FILES = {
  '/': { name: 'index.html', contentType: 'text/html; charset=utf-8' },
  '/page.js': { name: 'page.js', contentType: 'text/javascript; charset=utf-8' },
  '/page.css': { name: 'page.css', contentType: 'text/css; charset=utf-8' },
} as const;

/** Where `npm run build` puts them, seen from src/admin as from dist/admin. */
const BUILT = new URL('../../dist/page/', import.meta.url);

/** Scripts and styles come from here alone, and no other site frames or feeds the page. */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

export type PagePath = keyof typeof FILES;

export class PageFiles {
  readonly #files: ReadonlyMap<PagePath, PageFile>;

  /** Reads the files from `directory`; none where one of them is missing. */
  constructor(directory: URL = BUILT) {
    this.#files = filesIn(directory);
  }

  get(path: PagePath): PageFile | null {
    return this.#files.get(path) ?? null;
  }
}

function filesIn(directory: URL): ReadonlyMap<PagePath, PageFile> {
  const files = new Map<PagePath, PageFile>();
  try {
    for (const path of Object.keys(FILES) as PagePath[]) {
      const { name, contentType } = FILES[path];
      files.set(path, { contentType, body: readFileSync(new URL(name, directory)) });
    }
    return files;
  } catch {
    return new Map();
  }
}
