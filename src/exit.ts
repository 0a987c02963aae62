// Exit codes, and how a command ends with a message. Promise: 0 is stopped, 1 failed at run time, 2 wrong
// configuration or usage, 3 `advise --exit-code` has advice. An old Node can read this file.

export const EXIT = { stopped: 0, failed: 1, misused: 2, advised: 3 } as const;

/** Prints each of `texts` as a line to stderr; the process ends with `exitCode` when it has nothing to do. */
export function fail(exitCode: number, texts: readonly string[]): void {
  process.stderr.write(texts.map((text) => `${text}\n`).join(''));
  process.exitCode = exitCode;
}
