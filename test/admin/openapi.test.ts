// The OpenAPI document is that of the route table, and a linter finds nothing in it.

import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import t from 'tap';
import { OPENAPI_PATH, renderOpenApi } from '../../src/admin/openapi.ts';
import { ROUTES } from '../../src/admin/routes.ts';

const ROOT = new URL('../../', import.meta.url);
const LINTER = fileURLToPath(new URL('node_modules/@redocly/cli/bin/cli.js', ROOT));

t.test('the document equals the one in the repository', async (t) => {
  const committed = readFileSync(new URL(OPENAPI_PATH, ROOT), 'utf8');
  t.equal(committed, renderOpenApi(), 'run npm run generate');
});

t.test('the document has every path of the API, and no other', async (t) => {
  const { paths } = JSON.parse(renderOpenApi()) as { paths: Record<string, object> };
  const own = ROUTES.map(({ path }) => path).filter((path) => !/^\/(?:page\.|$)/.test(path));
  t.strictSame(Object.keys(paths).sort(), [...own].sort());
});

t.test('the linter finds nothing', async (t) => {
  const env = { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' };
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [LINTER, 'lint', '--format=json', fileURLToPath(new URL(OPENAPI_PATH, ROOT))],
    { env },
  );
  const { problems } = JSON.parse(stdout) as { problems: readonly object[] };
  t.strictSame(problems, []);
});
