// Takes over a changed configuration while the bouncer runs. Promise: the new one is read and checked
// whole first, and one that is wrong changes nothing; every reload has one outcome, which is returned,
// counted and logged; reloads run one after another, however many are asked for.

import type { ReloadResult } from './admin/operated.ts';
import type { Clock } from './base/clock.ts';
import { FileWatch } from './base/file-watch.ts';
import type { ServiceManager } from './base/service-manager.ts';
import { changesTo } from './config/changes.ts';
import type { Config } from './config/config.ts';
import type { Loaded } from './config/load.ts';
import { formatProblem } from './config/problems.ts';
import type { ReloadCounts, ReloadOutcome } from './observe/reload-counts.ts';
import type { Logger } from './observe/log.ts';

/** Where the configuration comes from. */
export interface ConfigSource {
  /** Reads and checks everything again. */
  readonly load: () => Promise<Loaded>;
  /** Paths of the files that it is read from, and that `config` names. */
  readonly filesOf: (config: Config) => readonly string[];
}

export interface ReloadsParts {
  readonly source: ConfigSource;
  readonly clock: Clock;
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>;
  readonly counts: ReloadCounts;
  readonly manager: Pick<ServiceManager, 'reloading' | 'reloaded'>;
  /** In force at the start. */
  readonly config: Config;
  /**
   * Puts a Config in force; it differs from the last one in reloadable options only. Resolves, if it takes
   * longer, when it is in force, with what the operator must know: where it is not. That is logged there.
   */
  readonly apply: (config: Config) => void | Promise<readonly string[]>;
}

/** A file may hold thousands of mistakes: no more of them are told at once. */
const PROBLEMS_MAX = 100;

export class Reloads {
  readonly #parts: ReloadsParts;
  readonly #watch: FileWatch;
  #config: Config;
  /** Ends with the reload that runs or waits. */
  #last: Promise<void> = Promise.resolve();
  /** The one that waits for its turn; all who ask meanwhile share it. */
  #next: Promise<ReloadResult> | null = null;

  constructor(parts: ReloadsParts) {
    this.#parts = parts;
    this.#config = parts.config;
    this.#watch = new FileWatch({
      clock: parts.clock,
      changed: () => void this.reload(),
    });
    parts.counts.succeededAtMs = parts.clock.wallMs();
  }

  /** What is in force. */
  get config(): Config {
    return this.#config;
  }

  /** Watches the files, if the configuration says so. */
  start(): void {
    this.#watchOrNot();
  }

  stop(): void {
    this.#watch.stop();
  }

  /** Reads the configuration, after a reload that runs now, and applies it. */
  reload(): Promise<ReloadResult> {
    if (this.#next !== null) return this.#next;
    const next = this.#last.then(() => {
      this.#next = null;
      return this.#reload();
    });
    this.#next = next;
    this.#last = next.then(
      () => {},
      () => {},
    );
    return next;
  }

  async #reload(): Promise<ReloadResult> {
    const { clock, counts, manager } = this.#parts;
    manager.reloading();
    const result = await this.#attempt();
    counts.outcomes.add(outcomeOf(result));
    counts.lastFailed = result.kind === 'refused';
    if (result.kind !== 'refused') counts.succeededAtMs = clock.wallMs();
    this.#tell(result);
    manager.reloaded();
    return result;
  }

  async #attempt(): Promise<ReloadResult> {
    const loaded = await this.#load();
    const { warnings } = loaded;
    for (const warning of warnings) this.#parts.log.warn(warning);
    if ('problems' in loaded) return refused(loaded.problems.map(formatProblem), warnings);
    const changes = changesTo(this.#config, loaded.config);
    const { config, changed, needRestart, contradictions } = changes;
    if (contradictions.length > 0) return refused(contradictions, warnings);
    this.#config = config;
    const applying = this.#parts.apply(config);
    const found = applying === undefined ? [] : await applying;
    this.#watchOrNot();
    return { kind: 'applied', changed, needRestart, warnings: [...warnings, ...found] };
  }

  async #load(): Promise<Loaded> {
    try {
      return await this.#parts.source.load();
    } catch (error) {
      const why = error instanceof Error ? error.message : 'unknown error';
      const text = `Cannot read the configuration: ${why}`;
      return { problems: [{ origin: { kind: 'default' }, text }], warnings: [] };
    }
  }

  #watchOrNot(): void {
    if (this.#config.reloadOnChange) this.#watch.start(this.#parts.source.filesOf(this.#config));
    else this.#watch.stop();
  }

  #tell(result: ReloadResult): void {
    const { log } = this.#parts;
    if (result.kind === 'refused') {
      const { problems } = result;
      log.error({ problems }, 'Cannot reload: the configuration is wrong, and nothing has changed');
      return;
    }
    const { changed, needRestart } = result;
    log.info({ changed, needRestart }, 'configuration reloaded');
    if (needRestart.length === 0) return;
    log.warn(
      { options: needRestart },
      'These options have changed and need a restart; the running values are kept',
    );
  }
}

function refused(problems: readonly string[], warnings: readonly string[]): ReloadResult {
  const more = problems.length - PROBLEMS_MAX;
  const shown =
    more > 0 ? [...problems.slice(0, PROBLEMS_MAX), `and ${more} more problems`] : problems;
  return { kind: 'refused', problems: shown, warnings };
}

/** `unchanged`: the configuration says what is in force already. */
function outcomeOf(result: ReloadResult): ReloadOutcome {
  if (result.kind === 'refused') return 'refused';
  return result.changed.length + result.needRestart.length === 0 ? 'unchanged' : 'applied';
}
