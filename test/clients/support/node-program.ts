// A client of Faktory written with the npm package `faktory-worker`; README.md beside it has its
// contract.

import { setTimeout } from 'node:timers/promises';
import faktoryWorker from 'faktory-worker';

const CONCURRENCY = 5;
const BEAT_SECONDS = 1;
const PAUSE_MS = 5;
const PAUSE_AFTER_ERROR_MS = 200;

async function work(wid: string): Promise<void> {
  const worker = new faktoryWorker.Worker({
    wid,
    concurrency: CONCURRENCY,
    beatInterval: BEAT_SECONDS,
    queues: ['default'],
    registry: { Count: (n: unknown) => console.log(`done ${Number(n)}`) },
  });
  // Its errors are on standard error already, unless somebody listens.
  await worker.work();
}

async function produce(first: number, jobs: number): Promise<void> {
  const client = new faktoryWorker.Client({ poolSize: 1 });
  let pushed = 0;
  for (let n = first; pushed < jobs; n += 1) {
    try {
      await client.job('Count', n).push();
      pushed += 1;
      console.log(`pushed ${n}`);
      await setTimeout(PAUSE_MS);
    } catch (error) {
      console.log(`unknown ${n} ${String(error)}`);
      await setTimeout(PAUSE_AFTER_ERROR_MS);
    }
  }
  await client.close();
}

const [role, ...words] = process.argv.slice(2);
if (role === 'worker') await work(words[0] ?? '');
else await produce(Number(words[0]), Number(words[1]));
