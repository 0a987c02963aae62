// The configuration in force, as a file that would set it. Promise: secrets are hidden.

import type { Config } from './config.ts';
import { OPTIONS } from './options.ts';
import { renderOptions } from './render-yaml.ts';

/** Every option with its value, passwords as `****`. */
export function renderEffective(config: Config): string {
  return renderOptions(
    (key) => OPTIONS[key].show(config),
    () => [],
  );
}
