// Imported into every test file. Promise: a file whose tests are over, and which does not end, fails soon, and
// says what keeps it; without it that costs the time that the slowest file may take.

import { isMainThread } from 'node:worker_threads';

const PATIENCE_MS = 20_000;

// The worker threads of what is tested import it too.
if (isMainThread) {
  const { default: t } = await import('tap');
  t.teardown(() => {
    const fail = (): void => {
      const kept = process.getActiveResourcesInfo().join(', ');
      process.stderr.write(`The tests are over, but something keeps the process: ${kept}\n`);
      process.exit(1);
    };
    setTimeout(fail, PATIENCE_MS).unref();
  });
}
