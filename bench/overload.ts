// `npm run overload`: what overload does to Faktory alone and behind the bouncer, as one table.

import { Figures } from './harness/figures.ts';
import { THIS_CHECKOUT } from './harness/fronts.ts';
import { measureGroups } from './harness/groups.ts';
import { runBenchmark, runProgram } from './harness/program.ts';
import { groupTable, notesText, placesOf } from './harness/report.ts';
import { OVERLOAD_HELP, parseOverloadOptions } from './overload/overload-options.ts';
import { overloadGroup } from './overload/overload-step.ts';

const LEGEND = `- in: consumers that were admitted when the producers had finished. refused: how often a consumer
  read an error instead of \`+OK\` and came again 1 s later.
- offered: PUSHes that fell due. acknowledged: those answered with \`+OK\`. lost: acknowledged, and not
  in Redis once Faktory had recovered, compared job by job.
- PUSH: from sending to \`+OK\`. INFO: asked once a second through the same front; "fails" means that at
  least half of them met an error or took over 5 s, when clients give up.
- server connections: the most that Faktory had at once.
`;

runProgram(() => {
  const options = parseOverloadOptions(process.argv.slice(2));
  return runBenchmark({
    help: options.help ? OVERLOAD_HELP : null,
    checkouts: [THIS_CHECKOUT],
    out: options.out,
    run: async (cleanUp, machine) => {
      const group = overloadGroup(options);
      const figures = new Figures(await measureGroups([group], 1, cleanUp));
      const shape = { caseTitle: 'consumers', frontFirst: true };
      const table = groupTable(group, figures, shape);
      const notes = notesText(placesOf(group, shape), figures);
      return [`${machine}\n`, table, LEGEND, notes].filter((part) => part !== '').join('\n');
    },
  });
});
