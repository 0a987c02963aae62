// The overload benchmark's result as Markdown. Promise: pure; every figure says what it counts.

import { markdownTable } from './markdown-table.ts';
import { durationText, shareText } from './load/statistics.ts';
import type { TallyCounts } from './load/tally.ts';
import type { StepResult } from './overload-step.ts';

export interface Machine {
  readonly cores: number;
  readonly cpu: string;
  readonly nodeVersion: string;
  readonly faktoryVersion: string;
}

const HEAD = [
  'front',
  'consumers',
  'in',
  'refused',
  'offered',
  'acknowledged',
  'lost',
  'PUSH p50',
  'PUSH p99',
  'INFO p50',
  'server connections',
];

const LEGEND = `- in: consumers that were admitted when the producers had finished. refused: how often a consumer
  heard an error in place of \`+OK\` and came again 1 s later.
- offered: PUSHes that fell due. acknowledged: those answered with \`+OK\`. lost: acknowledged, and not
  in the queue once Faktory had recovered, compared job by job.
- PUSH: from sending to \`+OK\`. INFO: asked once a second through the same front; "fails" means that at
  least half of them met an error or took over 5 s, when clients give up.
- server connections: the most that Faktory had at once; "≥" where its INFO failed at times.
`;

export function machineLine(machine: Machine): string {
  const { cores, cpu, nodeVersion, faktoryVersion } = machine;
  return `Faktory ${faktoryVersion}, Node ${nodeVersion}, ${cores} cores (${cpu})`;
}

export function overloadTable(results: readonly StepResult[]): string {
  return markdownTable(HEAD, results.map(row));
}

export function overloadReport(machine: Machine, results: readonly StepResult[]): string {
  const notes = [...refusalNotes(results), ...queueNotes(results)];
  const parts = [machineLine(machine) + '\n', overloadTable(results), LEGEND];
  if (notes.length > 0) parts.push(notes.map((note) => `- ${note}\n`).join(''));
  return parts.join('\n');
}

function row(result: StepResult): string[] {
  const { consumers, producers, queue } = result;
  return [
    result.front,
    String(consumers.wanted),
    String(consumers.admitted),
    String(consumers.refused),
    String(producers.offered),
    String(producers.acknowledged),
    shareText(queue.missing, producers.acknowledged),
    durationText(producers.latency.p50Ms),
    durationText(producers.latency.p99Ms),
    durationText(result.infoP50Ms),
    `${result.serverConnectionsBlind ? '≥ ' : ''}${result.serverConnectionsMax}`,
  ];
}

/** The words of the refusals and errors, step by step. */
function refusalNotes(results: readonly StepResult[]): string[] {
  return results.flatMap((result) => {
    const where = `${result.front}, ${result.consumers.wanted} consumers`;
    const { refusals, errors } = result.producers;
    return [
      ...said(`${where}: consumers were refused`, result.consumers.refusals),
      ...said(`${where}: consumers heard`, result.consumers.errors),
      ...said(`${where}: consumers lost their connection`, result.consumers.lost),
      ...said(`${where}: producers were refused`, refusals),
      ...said(`${where}: PUSH failed`, errors),
    ];
  });
}

function said(what: string, counts: TallyCounts): string[] {
  return Object.entries(counts).map(([text, count]) => `${what} ${count} times: \`${text}\``);
}

function queueNotes(results: readonly StepResult[]): string[] {
  return results.flatMap(({ front, consumers, producers, queue }) => {
    const notes: string[] = [];
    const where = `${front}, ${consumers.wanted} consumers`;
    if (queue.twice > 0) notes.push(`${where}: ${queue.twice} jobs were in the queue twice`);
    if (queue.unexpected > 0) {
      notes.push(`${where}: ${queue.unexpected} jobs were in the queue without an acknowledgement`);
    }
    if (producers.unanswered > 0) {
      notes.push(`${where}: ${producers.unanswered} PUSHes had no answer 10 s after the end`);
    }
    return notes;
  });
}
