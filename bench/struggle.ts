// `npm run struggle`: what a Faktory in trouble does to its clients, alone and behind the bouncer, with
// a ledger of all jobs.

import { Figures } from './harness/figures.ts';
import { measureGroups } from './harness/groups.ts';
import { runBenchmark, runProgram } from './harness/program.ts';
import { groupText } from './harness/report.ts';
import { drain } from './struggle/drain.ts';
import { refusedWrites } from './struggle/refuse-writes.ts';
import { scenarioGroup } from './struggle/scenario.ts';
import { slowFaktory } from './struggle/slow-faktory.ts';
import { pushOnce, slowPush, slowWork } from './struggle/slow-redis.ts';
import { stopFaktory, stopRedis } from './struggle/standstill.ts';
import { parseStruggleOptions, STRUGGLE_HELP } from './struggle/struggle-options.ts';

const LEGEND = `- acknowledged: PUSHes answered with \`+OK\`; errors: with \`-ERR\`. cut off: the connection closed
  before the answer. silent: not answered 20 s after the end.
- lost after +OK: acknowledged, and in no queue, retry set, dead set or reservation of Redis once it had
  come to rest. stored twice: jids that are in the queue more than once.
- × direct, × session: the figure as so many times that of nothing in between, or of session mode.
`;

const SCENARIOS = [
  slowPush,
  slowWork,
  pushOnce,
  slowFaktory,
  stopRedis,
  stopFaktory,
  refusedWrites,
  drain,
];

runProgram(() => {
  const options = parseStruggleOptions(process.argv.slice(2));
  return runBenchmark({
    help: options.help ? STRUGGLE_HELP : null,
    checkouts: [options.bouncer],
    out: options.out,
    run: async (cleanUp, machine) => {
      const groups = SCENARIOS.map((scenario) => scenario(options))
        .filter(({ name }) => options.only.includes(name))
        .map((scenario) => scenarioGroup(scenario, options));
      const figures = new Figures(await measureGroups(groups, options.rounds, cleanUp));
      const tables = groups.map((group) => groupText(group, figures));
      return [`# Under trouble\n`, `${machine}\n`, LEGEND, ...tables].join('\n');
    },
  });
});
