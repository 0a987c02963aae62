// How the benchmarks and the demo run and end. Promise: everything that was started is ended, also on
// Ctrl-C; the exit code is 2 after wrong usage and 1 after any other error, whose text is shown.

import { writeFile } from 'node:fs/promises';
import { availableParallelism, cpus } from 'node:os';
import { provision } from '../../test/support/provision.ts';
import { UsageError } from './arguments.ts';
import { CleanUp } from './clean-up.ts';
import { buildBouncer } from './fronts.ts';
import { buildGenerator } from './generator.ts';

export function runProgram(main: () => Promise<number>): void {
  Promise.resolve()
    .then(main)
    .then(
      (code) => process.exit(code),
      (error: unknown) => {
        process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
        process.exit(error instanceof UsageError || isArgumentError(error) ? 2 : 1);
      },
    );
}

/** What Node's parseArgs throws. */
function isArgumentError(error: unknown): boolean {
  const { code } = error as { readonly code?: unknown };
  return typeof code === 'string' && code.startsWith('ERR_PARSE_ARGS_');
}

/** Shows a line on standard error, with the time since the start. */
export function progress(text: string): void {
  const seconds = (performance.now() / 1000).toFixed(0).padStart(4);
  process.stderr.write(`${seconds} s  ${text}\n`);
}

export interface Benchmark {
  readonly help: string | null;
  /** Whose bouncers are measured. */
  readonly checkouts: readonly string[];
  /** Where the report goes besides the terminal. */
  readonly out: string | null;
  /** Measures; resolves with the report. `machine` says where and what, in one line. */
  run(cleanUp: CleanUp, machine: string): Promise<string>;
}

/** Builds what is measured and what measures, runs the benchmark, shows and writes its report. */
export async function runBenchmark(benchmark: Benchmark): Promise<number> {
  if (benchmark.help !== null) {
    process.stdout.write(benchmark.help);
    return 0;
  }
  if (process.platform !== 'linux') throw new Error('Cannot measure: this needs Linux (/proc)');
  progress('building the load generator and the bouncer');
  buildGenerator();
  for (const checkout of new Set(benchmark.checkouts)) buildBouncer(checkout);
  const { version, missing } = await provision(progress);
  if (version === undefined) {
    throw new Error(`Cannot measure without a real Faktory:\n${missing.join('\n')}`);
  }
  const machine = `Faktory ${version}, Node ${process.versions.node}, ${availableParallelism()} cores (${cpus()[0]?.model ?? 'unknown'})`;
  progress(machine);
  const cleanUp = new CleanUp();
  cleanUp.onSignals();
  try {
    const report = await benchmark.run(cleanUp, machine);
    process.stdout.write(report);
    if (benchmark.out !== null) await writeFile(benchmark.out, report);
    return 0;
  } finally {
    await cleanUp.run();
  }
}
