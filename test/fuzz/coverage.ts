// Which parts of the project's code an input reaches, through V8's own coverage: no native code, no
// instrumentation. Promise: an input that takes a way through a function that none took before is told from others,
// in code that is compiled after start().

import { Session, type Profiler } from 'node:inspector';

const SOURCES = '/src/';

export class Coverage {
  readonly #session = new Session();
  readonly #seen = new Set<string>();

  start(): void {
    this.#session.connect();
    this.#session.post('Profiler.enable');
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  stop(): void {
    this.#session.post('Profiler.stopPreciseCoverage');
    this.#session.disconnect();
  }

  /** Ways through functions that have been taken. */
  get size(): number {
    return this.#seen.size;
  }

  /**
   * Whether what ran since the last call took a new way through a function. V8 lists the blocks that were
   * not reached; a block that ran as often as what is around it is not listed.
   */
  isNew(): boolean {
    const before = this.#seen.size;
    for (const { url, functions } of this.#take()) {
      if (!url.includes(SOURCES)) continue;
      for (const { ranges } of functions) {
        const unreached = ranges.filter(({ count }) => count === 0);
        const way = unreached.map(({ startOffset }) => startOffset).join(' ');
        this.#seen.add(`${url} ${ranges[0]?.startOffset}: ${way}`);
      }
    }
    return this.#seen.size > before;
  }

  /** In the same thread the answer comes before post() returns. */
  #take(): readonly Profiler.ScriptCoverage[] {
    let taken: readonly Profiler.ScriptCoverage[] = [];
    this.#session.post('Profiler.takePreciseCoverage', (error, answer) => {
      if (error !== null) throw error;
      taken = answer.result;
    });
    return taken;
  }
}
