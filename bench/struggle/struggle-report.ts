// The struggle benchmark's result as Markdown. Promise: pure; every scenario has one table with a row
// for each case and front.

import { durationText } from '../load/statistics.ts';
import { markdownTable } from '../markdown-table.ts';
import type { Column, Row, Scenario } from './scenario.ts';

const LEGEND = `- acknowledged: PUSHes answered with \`+OK\`; errors: with \`-ERR\`. cut off: the connection closed
  before the answer. silent: not answered 20 s after the end.
- lost after +OK: acknowledged, and in no queue, retry set, dead set or reservation of Redis once it had
  come to rest. stored twice: jids that are in the queue more than once.
- × direct, × session: the figure as so many times that of nothing in between, or of session mode.
`;

export function struggleReport(
  machine: string,
  scenarios: readonly Scenario[],
  rows: readonly Row[],
): string {
  const parts = [`# Under trouble\n\n${machine}\n\n${LEGEND}`];
  for (const scenario of scenarios) {
    const own = rows.filter((row) => row.scenario === scenario.name);
    if (own.length === 0) continue;
    parts.push(`## ${scenario.name}\n\n${scenario.about}\n\n${table(scenario, own)}`);
    const notes = own.flatMap(({ caseText, front, outcome }) =>
      outcome.notes.map((note) => `- ${caseText}, ${front}: ${note}\n`),
    );
    if (notes.length > 0) parts.push(notes.join(''));
  }
  return parts.join('\n');
}

function table(scenario: Scenario, rows: readonly Row[]): string {
  const { columns } = scenario;
  const ratiosOf = ({ ratioTo = [] }: Column) => ratioTo.map((front) => `× ${front}`);
  const head = columns.flatMap((column) => [column.title, ...ratiosOf(column)]);
  const cells = rows.map((row) => [
    row.caseText,
    row.front,
    ...columns.flatMap((column) => {
      const ratios = (column.ratioTo ?? []).map((front) => ratioText(row, column, front, rows));
      return [figureText(row, column), ...ratios];
    }),
  ]);
  return markdownTable(['case', 'front', ...head], cells);
}

function figureText({ outcome }: Row, { title, unit }: Column): string {
  const value = outcome.figures[title];
  if (value === undefined || value === null) return 'none';
  if (typeof value !== 'number') return value.join(' ');
  switch (unit) {
    case 'count':
      return value.toFixed(0);
    case 'ms':
      return durationText(value);
    case 's':
      return `${value.toFixed(2)} s`;
    case 'list':
      return String(value);
  }
}

function ratioText(row: Row, { title }: Column, to: string, rows: readonly Row[]): string {
  const other = rows.find(({ caseText, front }) => caseText === row.caseText && front === to);
  const whole = other?.outcome.figures[title];
  const part = row.outcome.figures[title];
  if (typeof whole !== 'number' || typeof part !== 'number' || whole === 0) return '';
  return (part / whole).toFixed(2);
}

/** One row in a few words. */
export function progressText({ outcome }: Row, columns: readonly Column[]): string {
  return columns
    .filter(({ title }) => outcome.figures[title] !== undefined)
    .map((column) => {
      const value = outcome.figures[column.title];
      const text = typeof value === 'object' && value !== null ? value.join(' ') : value;
      return `${column.title} ${typeof text === 'number' ? Number(text.toFixed(2)) : String(text)}`;
    })
    .join(', ');
}
