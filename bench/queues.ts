// `npm run queues`: how long a job waits for its consumer where each consumer has a queue of its own,
// as one table.

import { THIS_CHECKOUT } from './harness/fronts.ts';
import { markdownTable } from './harness/markdown-table.ts';
import { progress, runBenchmark, runProgram } from './harness/program.ts';
import { Stage } from './harness/stage.ts';
import { parseQueuesOptions, QUEUES_HELP } from './queues/queues-options.ts';
import { measureQueues, type QueuesStep } from './queues/queues-step.ts';

const HEAD = ['wid', 'in front', 'jobs', 'p50', 'p95', 'most'];

runProgram(() => {
  const options = parseQueuesOptions(process.argv.slice(2));
  return runBenchmark({
    help: options.help ? QUEUES_HELP : null,
    checkouts: [THIS_CHECKOUT],
    out: options.out,
    run: async (cleanUp, machine) => {
      const rows: string[][] = [];
      for (const wids of options.wids) {
        for (const kind of options.fronts) {
          progress(`wid ${wids}, ${kind}`);
          const stage = await Stage.open({ name: kind, kind }, 'shared', cleanUp);
          rows.push([wids, kind, ...cellsOf(await measureQueues(stage, options, wids))]);
          await stage.close();
        }
      }
      const { consumers, jobsPerSecond } = options;
      const what = `${consumers} consumers with a queue each, ${jobsPerSecond} jobs/s; PUSH to job:`;
      return `${machine}\n\n${what}\n\n${markdownTable(HEAD, rows)}`;
    },
  });
});

function cellsOf({ pushed, tookMs }: QueuesStep): string[] {
  const at = (part: number): string => {
    const value = tookMs[Math.min(tookMs.length - 1, Math.floor(tookMs.length * part))];
    return value === undefined ? 'none' : `${value.toFixed(1)} ms`;
  };
  return [`${tookMs.length} of ${pushed}`, at(0.5), at(0.95), at(1)];
}
