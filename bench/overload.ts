// `npm run overload`: what overload does to Faktory alone and behind the bouncer, as one table.
// Promise: what it starts it ends, also on Ctrl-C; exit code 1 with a clear word when it cannot
// measure. How a step goes is overload-step.ts, what the figures mean overload-report.ts.

import { writeFile } from 'node:fs/promises';
import { availableParallelism, cpus } from 'node:os';
import { provision } from '../test/support/provision.ts';
import { runProgram } from './run-program.ts';
import { CleanUp } from './clean-up.ts';
import { OVERLOAD_HELP, parseOverloadOptions } from './overload-options.ts';
import type { OverloadOptions } from './overload-options.ts';
import { machineLine, overloadReport } from './overload-report.ts';
import type { Machine } from './overload-report.ts';
import { overloadStep } from './overload-step.ts';
import type { StepResult } from './overload-step.ts';

function machine(faktoryVersion: string): Machine {
  const cpu = cpus()[0]?.model ?? 'unknown';
  return { cores: availableParallelism(), cpu, nodeVersion: process.versions.node, faktoryVersion };
}

function progress(text: string): void {
  const time = (performance.now() / 1000).toFixed(0).padStart(4);
  process.stderr.write(`${time} s  ${text}\n`);
}

async function measure(options: OverloadOptions, cleanUp: CleanUp): Promise<StepResult[]> {
  const results: StepResult[] = [];
  for (const consumers of options.consumers) {
    for (const front of options.fronts) {
      const say = (text: string): void => progress(`${front}, ${consumers}: ${text}`);
      const result = await overloadStep({ front, consumers, options }, cleanUp, say);
      results.push(result);
      say(`${result.queue.missing} of ${result.producers.acknowledged} acknowledged jobs lost`);
    }
  }
  return results.sort((a, b) => options.fronts.indexOf(a.front) - options.fronts.indexOf(b.front));
}

async function main(): Promise<number> {
  const options = parseOverloadOptions(process.argv.slice(2));
  if (options.help) {
    process.stdout.write(OVERLOAD_HELP);
    return 0;
  }
  const { version, missing } = await provision(progress);
  if (version === undefined) {
    process.stderr.write(`Cannot measure without a real Faktory:\n${missing.join('\n')}\n`);
    return 1;
  }
  const cleanUp = new CleanUp();
  cleanUp.onSignals();
  try {
    const here = machine(version);
    progress(machineLine(here));
    const results = await measure(options, cleanUp);
    const report = overloadReport(here, results);
    process.stdout.write(report);
    if (options.out !== null) await writeFile(options.out, report);
    return 0;
  } finally {
    await cleanUp.run();
  }
}

runProgram(main);
