// How a program of the benchmarks or the demo ends. Promise: with the exit code that it answers, or
// with 1 and the error's text.

export function runProgram(main: () => Promise<number>): void {
  main().then(
    (code) => process.exit(code),
    (error: unknown) => {
      process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
      process.exit(1);
    },
  );
}
