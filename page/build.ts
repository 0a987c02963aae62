// Builds the status page into dist/page: one script, one style sheet, the document, and the licences
// of what the script holds. Run by `npm run build`, and before `npm start`.

import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { BUNDLED } from './bundled.ts';

const HERE = new URL('./', import.meta.url);

/** `directory` ends with a slash. */
export async function buildPage(directory: URL): Promise<void> {
  mkdirSync(directory, { recursive: true });
  await build({
    entryPoints: [
      { in: path('main.tsx'), out: 'page' },
      { in: path('page.css'), out: 'page' },
    ],
    outdir: fileURLToPath(directory),
    bundle: true,
    minify: true,
    format: 'esm',
    target: ['chrome120', 'firefox121', 'safari17'],
    jsx: 'automatic',
    jsxImportSource: 'preact',
    logLevel: 'warning',
  });
  copyFileSync(path('index.html'), new URL('index.html', directory));
  writeFileSync(new URL('LICENSES.txt', directory), BUNDLED.map(licenceOf).join('\n\n'));
}

function path(name: string): string {
  return fileURLToPath(new URL(name, HERE));
}

function licenceOf(name: string): string {
  const text = readFileSync(new URL(`../node_modules/${name}/LICENSE`, HERE), 'utf8');
  return `${name}\n\n${text.trim()}\n`;
}

if (import.meta.main) await buildPage(new URL('../dist/page/', HERE));
