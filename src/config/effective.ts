// The configuration in force, as a file that would set it and as a list. Promise: secrets are hidden.

import type { Config } from './config.ts';
import { type OptionKey, OPTION_KEYS, OPTIONS } from './options.ts';
import { renderOptions } from './render-yaml.ts';
import type { Written } from './kind.ts';

/** Every option with its value, passwords as `****`. */
export function renderEffective(config: Config): string {
  return renderOptions(
    (key) => OPTIONS[key].show(config),
    () => [],
  );
}

/** One option; its value and its default are as an operator writes them. */
export interface EffectiveOption {
  readonly key: OptionKey;
  readonly value: Written;
  readonly fallback: Written;
  readonly reloadable: boolean;
}

/** Every option. */
export function optionFacts(config: Config): readonly EffectiveOption[] {
  return OPTION_KEYS.map((key) => {
    const { show, fallback, reloadable } = OPTIONS[key];
    return { key, value: show(config), fallback, reloadable };
  });
}
