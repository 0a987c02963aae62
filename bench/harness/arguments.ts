// The values of command-line arguments. Promise: pure; a wrong one is an error that names the argument
// and what it found.

import { parse } from 'yaml';

/** Options of the bouncer, nested as in its file. */
export type Settings = Readonly<Record<string, unknown>>;

/** Wrong usage: the program ends with exit code 2. */
export class UsageError extends Error {}

export function positive(name: string, text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new UsageError(`Cannot use ${name}: ${JSON.stringify(text)} is not a whole number above 0`);
}

export function positives(name: string, list: string): readonly number[] {
  return list.split(',').map((text) => positive(name, text));
}

/** In the order of `all`, whatever the order of the list; all of them without a list. */
export function chosen<T extends string>(
  name: string,
  list: string | undefined,
  all: readonly T[],
): readonly T[] {
  if (list === undefined) return all;
  const wanted = list.split(',').map((text) => text.trim());
  const unknown = wanted.find((text) => !all.some((known) => known === text));
  if (unknown === undefined) return all.filter((known) => wanted.includes(known));
  throw new UsageError(
    `Cannot use ${name}: ${JSON.stringify(unknown)} is not one of ${all.join(', ')}`,
  );
}

/** `pool.bulk_push=true` as `{ pool: { bulk_push: true } }`; values are read as YAML. */
export function settingsFrom(pairs: readonly string[]): Settings {
  const settings: Record<string, unknown> = {};
  for (const pair of pairs) {
    const [, path, value] = /^([\w.]+)=(.*)$/s.exec(pair) ?? [];
    if (path === undefined || value === undefined) {
      throw new UsageError(`Cannot use --set: ${JSON.stringify(pair)} is not KEY=VALUE`);
    }
    const keys = path.split('.');
    const last = keys.pop() ?? '';
    let section = settings;
    for (const key of keys) section = (section[key] ??= {}) as Record<string, unknown>;
    section[last] = parse(value) as unknown;
  }
  return settings;
}
