// Reports to statsd at an interval. Promise: it reports on whatever state Faktory is in; nothing that
// goes wrong here stops the bouncer or is thrown: it is counted, and logged when it begins and ends.

import type { Clock, Timer } from '../../base/clock.ts';
import type { Counts } from '../counts.ts';
import type { Family, Source } from '../families/family.ts';
import type { RunTime } from '../jobs/job-watch.ts';
import type { Logger } from '../log.ts';
import { FamilyReport } from './family-report.ts';
import { type LegacyNames, LegacyReport } from './legacy-report.ts';
import { StatsdSender, type StatsdTarget } from './statsd-sender.ts';

export interface StatsdSettings {
  readonly target: StatsdTarget;
  readonly intervalMs: number;
  /** Stands before the bouncer's own names. */
  readonly prefix: string;
  /** `name:value`, on everything. */
  readonly tags: readonly string[];
  readonly legacyNames: LegacyNames;
  /** Stands before the legacy names. */
  readonly legacyPrefix: string;
}

export interface StatsdParts {
  readonly settings: StatsdSettings;
  readonly families: readonly Family[];
  readonly source: () => Source;
  /** Of jobs that were done since the call before. */
  readonly runTimes: () => readonly RunTime[];
  readonly counts: Counts['statsd'];
  readonly clock: Clock;
  readonly log: Pick<Logger, 'info' | 'warn'>;
}

export class Statsd {
  readonly #parts: StatsdParts;
  readonly #own: FamilyReport;
  readonly #legacy: LegacyReport;
  #sender: Promise<StatsdSender | null> | null = null;
  #timer: Timer | null = null;
  /** Whether the last report met an error, which is logged by then. */
  #health: 'sending' | 'failing' = 'sending';
  #errorsAtReport = 0;

  constructor(parts: StatsdParts) {
    const { families, settings } = parts;
    this.#parts = parts;
    this.#own = new FamilyReport(families, settings.prefix);
    this.#legacy = new LegacyReport(settings.legacyNames, settings.legacyPrefix);
  }

  /** Reports at each interval from now on. */
  start(): void {
    const { settings, clock } = this.#parts;
    this.#sender ??= this.#open();
    this.#timer = clock.after(settings.intervalMs, () => {
      void this.#report();
      this.start();
    });
  }

  /** Sends a last report. Resolves when it is on its way, whatever becomes of it. */
  async stop(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = null;
    if (this.#sender === null) return;
    await this.#report();
    await (await this.#sender)?.close();
    this.#sender = null;
  }

  async #open(): Promise<StatsdSender | null> {
    const { settings, clock, log } = this.#parts;
    const { target, tags } = settings;
    try {
      const sender = await StatsdSender.open({
        target,
        tags,
        clock,
        onError: (error) => this.#failed(error),
      });
      log.info({ statsd: shown(target) }, 'sending metrics to statsd');
      return sender;
    } catch (error) {
      this.#failed(error);
      return null;
    }
  }

  async #report(): Promise<void> {
    const sender = await this.#sender;
    if (sender === null || sender === undefined) return;
    const { counts, source, runTimes } = this.#parts;
    this.#noteHealth();
    try {
      const read = source();
      const report = [...this.#own.take(read), ...this.#legacy.take(read, runTimes())];
      // Not awaited: a lookup may take longer than a drain waits for the last report.
      void sender.send(report).then((isTaken) => {
        if (isTaken) counts.reports += 1;
      });
    } catch (error) {
      this.#failed(error);
    }
  }

  #failed(error: unknown): void {
    const { counts, log, settings } = this.#parts;
    counts.errors += 1;
    if (this.#health === 'failing') return;
    this.#health = 'failing';
    const reason = (error instanceof Error ? error.message : String(error)).replace(
      /^Error sending hot-shots message: (Error: )?/,
      '',
    );
    log.warn(
      { statsd: shown(settings.target), reason },
      'Cannot send to statsd; clients are not affected. The next log line about this comes when sending works again',
    );
  }

  /** Packets fail after their report, so the next one finds out. */
  #noteHealth(): void {
    const { counts, log, settings } = this.#parts;
    const hasFailed = counts.errors > this.#errorsAtReport;
    this.#errorsAtReport = counts.errors;
    if (hasFailed || this.#health === 'sending') return;
    this.#health = 'sending';
    log.info({ statsd: shown(settings.target) }, 'sending metrics to statsd again');
  }
}

function shown(target: StatsdTarget): string {
  if (target.kind === 'unix') return `unix://${target.path}`;
  const { host, port } = target;
  return `udp://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
