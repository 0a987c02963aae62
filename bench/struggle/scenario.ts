// What a scenario is: cases, each measured once with every front, and the columns of their table.

import type { CleanUp } from '../clean-up.ts';
import { percentile } from '../load/statistics.ts';
import { lostOf, twiceIn } from './account.ts';
import type { Ledger, LedgerEntry, Stored } from './account.ts';
import type { CrowdReport } from './crowd.ts';
import type { Stage } from './stage.ts';
import type { ScenarioName, StruggleFront, StruggleOptions } from './struggle-options.ts';

export interface Column {
  readonly title: string;
  readonly unit: 'count' | 'ms' | 's' | 'list';
  /** Fronts that the figure is compared with: so many times theirs. */
  readonly ratioTo?: readonly StruggleFront[];
}

/** Figures by the title of their column; null: there was nothing to measure. */
export type Figures = Readonly<Record<string, number | readonly number[] | null>>;

export interface Outcome {
  readonly figures: Figures;
  /** What clients read or met, with counts. */
  readonly notes: readonly string[];
}

export interface Case {
  readonly text: string;
  run(stage: Stage): Promise<Outcome>;
}

export interface Scenario {
  readonly name: ScenarioName;
  /** One sentence for people. */
  readonly about: string;
  readonly columns: readonly Column[];
  /** Whether the bouncer is measured with `redis.url` too. */
  readonly withRedisUrl: boolean;
  /** Fronts that the scenario says nothing about. */
  readonly without: readonly StruggleFront[];
  cases(options: StruggleOptions): readonly Case[];
}

export interface Row {
  readonly scenario: ScenarioName;
  readonly caseText: string;
  readonly front: string;
  readonly outcome: Outcome;
}

export interface Context {
  readonly options: StruggleOptions;
  readonly cleanUp: CleanUp;
}

export function latency(entries: readonly LedgerEntry[], share: number): number | null {
  return percentile(
    entries.map(({ tookMs }) => tookMs),
    share,
  );
}

/** What became of the PUSHes: the columns that every scenario with producers has. */
export const PUSH_COLUMNS: readonly Column[] = [
  { title: 'acknowledged', unit: 'count' },
  { title: 'errors', unit: 'count' },
  { title: 'cut off', unit: 'count' },
  { title: 'silent', unit: 'count' },
  { title: 'lost after +OK', unit: 'count' },
  { title: 'stored twice', unit: 'count' },
];

export function pushFigures(ledger: Ledger, stored: Stored, report: CrowdReport): Figures {
  return {
    acknowledged: ledger.pushes.length,
    errors: report.failed,
    'cut off': report.pushesCutOff,
    silent: report.silent,
    'lost after +OK': lostOf(ledger.pushes, stored).length,
    'stored twice': twiceIn(stored.queued),
  };
}

export function notesOf(report: CrowdReport, wanted: number, ready: CrowdReport): string[] {
  const notes: string[] = [];
  const admitted = ready.admittedProducers + ready.admittedConsumers;
  if (admitted < wanted) notes.push(`${admitted} of ${wanted} clients were in at the beginning`);
  if (report.refused > 0) notes.push(`${report.refused} connections were refused`);
  if (report.cutOff > 0) notes.push(`${report.cutOff} connections were lost`);
  for (const [text, count] of Object.entries(report.errors))
    notes.push(`${count} times \`${text}\``);
  return notes;
}
