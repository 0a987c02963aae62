// What must end when a benchmark ends, however it ends. Promise: everything added is ended once, the
// last first, one failing does not keep the others from it; Ctrl-C and SIGTERM do the same.

type End = () => Promise<void> | void;

export class CleanUp {
  #ends: End[] = [];
  #running: Promise<void> | null = null;

  /** Runs on Ctrl-C and SIGTERM too, and then leaves the process; a second Ctrl-C leaves at once. */
  onSignals(): void {
    for (const [signal, exitCode] of [
      ['SIGINT', 130],
      ['SIGTERM', 143],
    ] as const) {
      process.on(signal, () => {
        if (this.#running !== null) process.exit(exitCode);
        process.stderr.write(`\n${signal}: ending what was started\n`);
        void this.run().finally(() => process.exit(exitCode));
      });
    }
  }

  /** Adds what is to be ended; the answer ends it now, and forgets it. */
  add(end: End): () => Promise<void> {
    this.#ends.push(end);
    return async () => {
      const before = this.#ends.length;
      this.#ends = this.#ends.filter((other) => other !== end);
      if (this.#ends.length < before) await end();
    };
  }

  run(): Promise<void> {
    this.#running ??= this.#endAll().finally(() => (this.#running = null));
    return this.#running;
  }

  async #endAll(): Promise<void> {
    for (let end = this.#ends.pop(); end !== undefined; end = this.#ends.pop()) {
      try {
        await end();
      } catch (error) {
        process.stderr.write(`Cannot end one of the processes: ${String(error)}\n`);
      }
    }
  }
}
