// From what operators wrote to a Config. Promise: either a complete Config, or every problem at
// once; nothing is read from the process, so what it does depends on its arguments alone.

import type { Config, StatsdTarget } from './config.ts';
import { configOf } from './config-of.ts';
import { contradictionsIn } from './contradictions.ts';
import { readDatadogTarget } from './datadog-environment.ts';
import { readEnvironment } from './environment.ts';
import type { Environment } from './environment.ts';
import { OPTIONS } from './options.ts';
import type { OptionKey } from './options.ts';
import type { Problem } from './problems.ts';
import { withSecrets } from './secrets.ts';
import { withTlsFiles } from './tls-files.ts';
import { Values } from './values.ts';
import { readYaml } from './yaml-source.ts';

/** An option set on the command line. */
export interface FlagValue {
  readonly flag: string;
  readonly key: OptionKey;
  readonly text: string;
}

/** All that a Config is made from; a later one wins: file, environment, flags. */
export interface Sources {
  readonly file: { readonly name: string; readonly text: string } | null;
  readonly environment: Environment;
  readonly flags: readonly FlagValue[];
  /** Reads the files that FAKTORY_PASSWORD and options name; may throw. */
  readonly readFile: (path: string) => Uint8Array;
}

/** Warnings come with either. */
export type Loaded =
  | { readonly config: Config; readonly warnings: readonly string[] }
  | { readonly problems: readonly Problem[]; readonly warnings: readonly string[] };

/** Reads and checks every source. */
export function loadConfig({ file, environment, flags, readFile }: Sources): Loaded {
  const fromFile = file === null ? { entries: [], problems: [] } : readYaml(file.name, file.text);
  const surroundings = readEnvironment(environment);
  const values = new Values();
  for (const entry of fromFile.entries) values.set(entry);
  for (const entry of surroundings.entries) values.set(entry);
  for (const { flag, key, text } of flags) {
    const value = OPTIONS[key].kind.fromText(text);
    values.set({ key, value, origin: { kind: 'command line', flag } });
  }
  const datadog = readDatadogTarget(environment);
  const plain = withTarget(configOf(values), values, datadog.target);
  const { config: unread, ...secrets } = withSecrets(plain, {
    environment,
    readFile,
    originOf: (key) => values.originOf(key),
  });
  const wrong = [
    ...fromFile.problems,
    ...values.problems,
    ...contradictionsOf(unread, values),
    ...secrets.problems,
  ];
  const warnings = [...surroundings.warnings, ...datadog.warnings, ...secrets.warnings];
  if (wrong.length > 0) return { problems: wrong, warnings };
  const read = withTlsFiles(unread, readFile);
  if ('config' in read) return { config: read.config, warnings };
  return { problems: [{ origin: values.originOf(read.key), text: read.text }], warnings };
}

/** Datadog's own variables name the statsd receiver where no option does. */
function withTarget(config: Config, values: Values, target: StatsdTarget | null): Config {
  if (target === null || values.originOf('statsd.url').kind !== 'default') return config;
  return { ...config, statsd: { ...config.statsd, target } };
}

/** Contradictions between values that were read; others would only confuse. */
function contradictionsOf(config: Config, values: Values): readonly Problem[] {
  return contradictionsIn(config)
    .filter(({ keys }) => !keys.some((key) => values.isRefused(key)))
    .map(({ keys, text }) => {
      const origins = keys.map((key) => values.originOf(key));
      return {
        origin: origins.find(({ kind }) => kind !== 'default') ?? { kind: 'default' },
        text,
      };
    });
}
