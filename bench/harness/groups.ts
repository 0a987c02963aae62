// What is measured: groups of cases, each case with every front, round by round. A group is a table.

import type { CleanUp } from './clean-up.ts';
import type { FigureName, Measurement, Outcome, Place, Yardstick } from './figures.ts';
import type { Front } from './fronts.ts';
import { progress } from './program.ts';
import { Stage } from './stage.ts';
import type { Placement } from './stage.ts';
import { outcomeText } from './texts.ts';

export interface Column {
  readonly figure: FigureName;
  /** In place of the figure's own. */
  readonly title?: string;
  /** What the figure is also shown as so many times of. */
  readonly ratioTo?: readonly Yardstick[];
}

export interface Case {
  /** Empty where there is only one. */
  readonly text: string;
  /** Null where the case says nothing about the front. */
  measure(stage: Stage, round: number): Promise<Outcome | null>;
}

export interface Group {
  readonly name: string;
  /** One sentence for people. */
  readonly about: string;
  readonly columns: readonly Column[];
  readonly fronts: readonly Front[];
  readonly cases: readonly Case[];
  readonly placement: Placement;
  /** fresh: each measurement gets a Faktory and a front of its own. kept: they stay for the next. */
  readonly stages: 'fresh' | 'kept';
}

/** Measures everything in turns: all fronts have their turn in a round before the next begins. */
export async function measureGroups(
  groups: readonly Group[],
  rounds: number,
  cleanUp: CleanUp,
): Promise<Measurement[]> {
  const kept = new KeptStages(cleanUp);
  const measurements: Measurement[] = [];
  for (const group of groups) {
    for (const one of group.cases) {
      for (let round = 1; round <= rounds; round += 1) {
        for (const front of inTurn(group.fronts, round)) {
          const place = { group: group.name, caseText: one.text, front: front.name };
          progress(`${placeText(place)}, round ${round} …`);
          const stage = await kept.stage(group, front);
          const outcome = await one.measure(stage, round);
          if (group.stages === 'fresh') await stage.close();
          if (outcome === null) continue;
          measurements.push({ ...place, round, ...outcome });
          const figures = group.columns.map((column) => column.figure);
          progress(`  ${outcomeText(outcome, figures)}`);
        }
      }
    }
  }
  return measurements;
}

/** Backwards in every other round, so that no front always follows the same one. */
function inTurn(fronts: readonly Front[], round: number): readonly Front[] {
  return round % 2 === 1 ? fronts : [...fronts].reverse();
}

function placeText({ group, caseText, front }: Place): string {
  return [group, caseText, front].filter((text) => text !== '').join(', ');
}

/** Stages that stay open for the next measurement of the same front; the clean-up ends them. */
class KeptStages {
  readonly #cleanUp: CleanUp;
  readonly #stages = new Map<string, Stage>();

  constructor(cleanUp: CleanUp) {
    this.#cleanUp = cleanUp;
  }

  async stage({ placement, stages }: Group, front: Front): Promise<Stage> {
    if (stages === 'fresh') return Stage.open(front, placement, this.#cleanUp);
    const key = `${placement} ${front.name}`;
    const known = this.#stages.get(key);
    if (known !== undefined) return known;
    const stage = await Stage.open(front, placement, this.#cleanUp);
    this.#stages.set(key, stage);
    return stage;
  }
}
