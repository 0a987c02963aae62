// Groups as Markdown. Promise: pure; every cell is the median of the rounds, with the least and the most
// beside it where they differ.

import { FIGURES } from './figures.ts';
import type { Figures, Place } from './figures.ts';
import type { Column, Group } from './groups.ts';
import { markdownTable } from './markdown-table.ts';
import { spreadText } from './texts.ts';

export interface TableShape {
  /** The title above the cases. */
  readonly caseTitle: string;
  /** Whether all cases of a front stand together. If not, all fronts of a case do. */
  readonly frontFirst: boolean;
}

const SHAPE: TableShape = { caseTitle: 'case', frontFirst: false };

/** The group with its heading, and what went wrong below. */
export function groupText(group: Group, figures: Figures): string {
  const places = placesOf(group, SHAPE);
  const notes = notesText(places, figures);
  const parts = [`## ${group.name}\n`, `${group.about}\n`, groupTable(group, figures)];
  return [...parts, ...(notes === '' ? [] : [notes])].join('\n');
}

export function groupTable(group: Group, figures: Figures, shape = SHAPE): string {
  const hasCases = group.cases.some(({ text }) => text !== '');
  const label = (caseText: string, front: string): string[] => {
    if (!hasCases) return [front];
    return shape.frontFirst ? [front, caseText] : [caseText, front];
  };
  const titles = group.columns.flatMap(({ figure, title, ratioTo = [] }) => [
    title ?? FIGURES[figure].title,
    ...ratioTo.map((to) => `× ${to}`),
  ]);
  const rows = placesOf(group, shape).map((place) => [
    ...label(place.caseText, place.front),
    ...group.columns.flatMap((column) => cells(place, column, figures)),
  ]);
  return markdownTable([...label(shape.caseTitle, 'front'), ...titles], rows);
}

/** What went wrong at these places, a list item each. */
export function notesText(places: readonly Place[], figures: Figures): string {
  return places
    .flatMap((place) => {
      const where = [place.caseText, place.front].filter((text) => text !== '').join(', ');
      const notes = new Set(figures.at(place).flatMap((one) => one.notes));
      return [...notes].map((note) => `- ${where}: ${note}\n`);
    })
    .join('');
}

export function placesOf(group: Group, { frontFirst }: TableShape): readonly Place[] {
  const place = (caseText: string, front: string): Place => ({
    group: group.name,
    caseText,
    front,
  });
  if (frontFirst) {
    return group.fronts.flatMap(({ name }) => group.cases.map(({ text }) => place(text, name)));
  }
  return group.cases.flatMap(({ text }) => group.fronts.map(({ name }) => place(text, name)));
}

function cells(place: Place, { figure, ratioTo = [] }: Column, figures: Figures): string[] {
  const measured = figures.at(place);
  if (measured.length === 0) return ['n/a', ...ratioTo.map(() => 'n/a')];
  const text = measured.at(-1)?.texts?.[figure];
  return [
    text ?? spreadText(figures.spread(place, figure), FIGURES[figure].unit),
    ...ratioTo.map((to) => spreadText(figures.ratio(place, figure, to), 'ratio')),
  ];
}
