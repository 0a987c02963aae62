// Tests of both modes, once more with TLS on both sides of the bouncer: OVER_TLS=1 says so to openHouse().

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { requireCa } from '../support/certificates.ts';

const AGAIN = [
  'session/commands.test.ts',
  'session/drain.test.ts',
  'pooled/drain.test.ts',
  'pooled/hostile.test.ts',
];
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;

t.jobs = 2;
for (const path of AGAIN) {
  t.test(`test/${path} over TLS`, { buffered: true }, async (t) => {
    if (requireCa(t) === undefined) return;
    const file = join(import.meta.dirname, '..', path);
    const env = { ...process.env, OVER_TLS: '1' };
    const run = promisify(execFile)(process.execPath, [file], { env, maxBuffer: OUTPUT_BYTES_MAX });
    const failure = await run.then(
      () => null,
      (error: { readonly stdout: string }) => error.stdout.slice(-5000),
    );
    t.equal(failure, null);
  });
}
