// What every scenario has in common: its group is made of the options, with each of its fronts.

import type { Front } from '../harness/fronts.ts';
import type { Case, Column, Group } from '../harness/groups.ts';
import type { ScenarioName, StruggleFront, StruggleOptions } from './struggle-options.ts';

export interface Scenario {
  readonly name: ScenarioName;
  /** One sentence for people. */
  readonly about: string;
  readonly columns: readonly Column[];
  readonly cases: readonly Case[];
  /** Whether the bouncer is measured with `redis.url` too. */
  readonly withRedisUrl?: true;
  /** Whether the bouncer is measured with `limits.adaptive` too. */
  readonly withAdaptive?: true;
  /** The front that the scenario says nothing about. */
  readonly without?: StruggleFront;
}

export function scenarioGroup(scenario: Scenario, options: StruggleOptions): Group {
  const { name, about, columns, cases, withRedisUrl, withAdaptive, without } = scenario;
  const { settings, bouncer: checkout } = options;
  const fronts = options.fronts
    .filter((kind) => kind !== without)
    .flatMap((kind): readonly Front[] => {
      const front = { name: kind, kind, checkout, settings };
      if (withAdaptive === true && kind !== 'direct') {
        const limits = { ...(settings['limits'] as object | undefined), adaptive: true };
        return [front, { ...front, name: `${kind}, adaptive`, settings: { ...settings, limits } }];
      }
      if (withRedisUrl !== true || kind === 'direct') return [front];
      return [front, { ...front, name: `${kind}, redis.url`, withRedisUrl }];
    });
  return { name, about, columns, cases, fronts, placement: 'shared', stages: 'fresh' };
}
