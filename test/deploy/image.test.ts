// The Dockerfile: the facts on which an image stands or falls.

import { existsSync, readFileSync } from 'node:fs';
import t from 'tap';

const root = new URL('../../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8');

t.test('the image runs without a shell and without root, and is stopped by SIGTERM', async (t) => {
  const dockerfile = read('Dockerfile');
  t.match(dockerfile, /^ENTRYPOINT \["/m);
  t.match(dockerfile, /^ +CMD \["node".*\/livez/m);
  t.match(dockerfile, /^USER 65532:65532$/m);
  t.match(dockerfile, /^STOPSIGNAL SIGTERM$/m);
});

t.test('everything that the Dockerfile copies from here is let through', async (t) => {
  const ignored = read('.dockerignore').split('\n');
  for (const [, sources = ''] of read('Dockerfile').matchAll(/^COPY (?!--from)(.+) \S+$/gm)) {
    for (const source of sources.split(' ')) {
      t.ok(ignored.includes(`!${source}`), source);
      if (!source.endsWith('*')) t.ok(existsSync(new URL(source, root)), source);
    }
  }
});
