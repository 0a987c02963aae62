// Pooled mode under random clients, verbs, deaths, splits and losses of servers: its promises hold
// after every run. A failure names its seed:
//   POOLED_MODEL_SEED=<seed> POOLED_MODEL_RUNS=1 npx tap test/pooled/model.test.ts
// Thousands of runs, from a seed of one's choice on:
//   POOLED_MODEL_SEED=1000000 POOLED_MODEL_RUNS=10000 npx tap --timeout=600 test/pooled/model.test.ts

import t from 'tap';
import { type RunResult, runModel } from './support/model-run.ts';

const firstSeed = Number(process.env['POOLED_MODEL_SEED'] ?? 1);
const runs = Number(process.env['POOLED_MODEL_RUNS'] ?? 500);

t.test('the promises of pooled mode hold whatever happens', async (t) => {
  const results: RunResult[] = [];
  for (let seed = firstSeed; seed < firstSeed + runs; seed += 1) {
    const result = await runModel(seed);
    if (result.problems.length > 0) {
      t.fail(`POOLED_MODEL_SEED=${seed}: ${[...new Set(result.problems)].slice(0, 5).join('; ')}`);
      return;
    }
    results.push(result);
  }
  const sum = (of: (result: RunResult) => number): number =>
    results.reduce((total, result) => total + of(result), 0);
  t.comment(
    `${runs} runs from seed ${firstSeed}: ${sum((r) => r.replies)} replies, ` +
      `${sum((r) => r.jobs)} jobs, ${sum((r) => r.losses)} losses, ` +
      `${sum((r) => r.yields)} places yielded`,
  );
  if (runs < 100) return;
  t.ok(sum((r) => r.replies) > runs * 5, 'clients were answered');
  t.ok(sum((r) => r.jobsHandedOut) > runs, 'jobs were handed out');
  t.ok(sum((r) => r.losses) > runs, 'servers were lost');
  t.ok(sum((r) => r.yields) > 0, 'places were yielded');
});
