// What became of the PUSHes of a crowd, as every table with a ledger shows it. Promise: pure.

import type { Outcome, Values } from './figures.ts';
import type { CrowdReport } from './generator.ts';
import type { Column } from './groups.ts';
import { lostOf, twiceIn } from './ledger.ts';
import type { Ledger, Stored } from './ledger.ts';

export const PUSH_COLUMNS: readonly Column[] = [
  { figure: 'acknowledged' },
  { figure: 'errors' },
  { figure: 'cutOff' },
  { figure: 'silent' },
  { figure: 'lost', title: 'lost after +OK' },
  { figure: 'storedTwice' },
];

export function pushValues(report: CrowdReport, ledger: Ledger, stored: Stored): Values {
  return {
    ...latencyValues(report),
    acknowledged: ledger.pushes.length,
    errors: report.failed,
    cutOff: report.pushesCutOff,
    silent: report.silent,
    lost: lostOf(ledger.pushes, stored).length,
    storedTwice: twiceIn(stored.queued),
  };
}

export function latencyValues({ latencyMs }: CrowdReport): Values {
  const { push, fetch, ack, beat } = latencyMs;
  return {
    ...(push !== undefined && { p50Ms: push.p50, p99Ms: push.p99 }),
    ...(fetch !== undefined && { fetchP50Ms: fetch.p50 }),
    ...(ack !== undefined && { ackP50Ms: ack.p50 }),
    ...(beat !== undefined && { beatP50Ms: beat.p50 }),
  };
}

/** What the clients met: `who` are "clients", "producers" or "consumers". */
export function crowdNotes(
  who: string,
  report: CrowdReport,
  wanted: number,
  ready = report,
): Outcome['notes'] {
  const admitted = ready.admittedProducers + ready.admittedConsumers;
  return [
    ...(admitted < wanted ? [`${admitted} of ${wanted} ${who} were in`] : []),
    ...(report.refused > 0 ? [`${who} were refused ${report.refused} times`] : []),
    ...(report.cutOff > 0 ? [`${who} lost ${report.cutOff} connections`] : []),
    ...Object.entries(report.errors).map(
      ([text, count]) => `${who} read ${count} times \`${text}\``,
    ),
  ];
}
