// How a program of the benchmarks or the demo ends. Promise: with the exit code that it returns, with
// 2 and the text after wrong usage, or with 1 and the text of any other error.

import { UsageError } from './usage-error.ts';

export function runProgram(main: () => Promise<number>): void {
  main().then(
    (code) => process.exit(code),
    (error: unknown) => {
      process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
      process.exit(error instanceof UsageError || isArgumentError(error) ? 2 : 1);
    },
  );
}

/** What parseArgs of Node throws. */
function isArgumentError(error: unknown): boolean {
  const { code } = error as { readonly code?: unknown };
  return typeof code === 'string' && code.startsWith('ERR_PARSE_ARGS_');
}
