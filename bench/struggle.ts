// `npm run struggle`: what a Faktory in trouble does to its clients, alone and behind the bouncer, with
// a ledger of all jobs. Promise: what it starts it ends, also on Ctrl-C; exit code 1 and a reason when
// it cannot measure, 2 for wrong usage. What is measured is in struggle/.

import { writeFile } from 'node:fs/promises';
import { availableParallelism, cpus } from 'node:os';
import { provision } from '../test/support/provision.ts';
import { buildBouncer } from './bouncer-process.ts';
import { CleanUp } from './clean-up.ts';
import { buildGenerator } from './compare/generator.ts';
import { runProgram } from './run-program.ts';
import { DRAIN } from './struggle/drain.ts';
import { REFUSE_WRITES } from './struggle/refuse-writes.ts';
import type { Context, Row, Scenario } from './struggle/scenario.ts';
import { PUSH_ONCE, SLOW_PUSH, SLOW_WORK } from './struggle/slow-redis.ts';
import { Stage } from './struggle/stage.ts';
import { STOP_FAKTORY, STOP_REDIS } from './struggle/standstill.ts';
import { parseStruggleOptions, STRUGGLE_HELP } from './struggle/struggle-options.ts';
import type { StruggleOptions } from './struggle/struggle-options.ts';
import { progressText, struggleReport } from './struggle/struggle-report.ts';

const SCENARIOS: readonly Scenario[] = [
  SLOW_PUSH,
  SLOW_WORK,
  PUSH_ONCE,
  STOP_REDIS,
  STOP_FAKTORY,
  REFUSE_WRITES,
  DRAIN,
];

function progress(text: string): void {
  const time = (performance.now() / 1000).toFixed(0).padStart(4);
  process.stderr.write(`${time} s  ${text}\n`);
}

async function measureScenario(scenario: Scenario, context: Context): Promise<Row[]> {
  const { options, cleanUp } = context;
  const rows: Row[] = [];
  const fronts = options.fronts.filter((front) => !scenario.without.includes(front));
  for (const { text: caseText, run } of scenario.cases(options)) {
    for (const front of fronts) {
      const both = scenario.withRedisUrl && front !== 'direct';
      for (const withRedisUrl of both ? [false, true] : [false]) {
        const name = withRedisUrl ? `${front}, redis.url` : front;
        progress(`${scenario.name}, ${caseText}, ${name} …`);
        const stage = await Stage.open({ front, withRedisUrl, options, cleanUp });
        const outcome = await run(stage);
        await stage.close();
        const row = { scenario: scenario.name, caseText, front: name, outcome };
        rows.push(row);
        progress(progressText(row, scenario.columns));
      }
    }
  }
  return rows;
}

async function measure(options: StruggleOptions, cleanUp: CleanUp): Promise<Row[]> {
  const rows: Row[] = [];
  for (const scenario of SCENARIOS) {
    if (!options.only.includes(scenario.name)) continue;
    rows.push(...(await measureScenario(scenario, { options, cleanUp })));
  }
  return rows;
}

async function main(): Promise<number> {
  const options = parseStruggleOptions(process.argv.slice(2));
  if (options.help) {
    process.stdout.write(STRUGGLE_HELP);
    return 0;
  }
  if (process.platform !== 'linux') throw new Error('Cannot measure: this needs Linux (/proc)');
  progress('building the load generator and the bouncer');
  buildGenerator();
  buildBouncer(options.bouncer);
  const { version, missing } = await provision(progress);
  if (version === undefined) {
    process.stderr.write(`Cannot measure without a real Faktory:\n${missing.join('\n')}\n`);
    return 1;
  }
  const cpu = cpus()[0]?.model ?? 'unknown';
  const machine = `Faktory ${version}, Node ${process.versions.node}, ${availableParallelism()} cores (${cpu})`;
  progress(machine);
  const cleanUp = new CleanUp();
  cleanUp.onSignals();
  try {
    const text = struggleReport(machine, SCENARIOS, await measure(options, cleanUp));
    process.stdout.write(text);
    if (options.out !== null) await writeFile(options.out, text);
    return 0;
  } finally {
    await cleanUp.run();
  }
}

runProgram(main);
