// What a new configuration changes in a running one. Pure. Promise: what a reload cannot apply keeps its
// running value and is named; the configuration that comes out is one that may be in force.

import { isDeepStrictEqual } from 'node:util';

import type { Config } from './config.ts';
import { contradictionsIn } from './contradictions.ts';
import { OPTIONS, OPTION_KEYS } from './options.ts';
import type { OptionKey } from './options.ts';

/** An option, or Faktory's password wherever it was written. */
export type Changed = OptionKey | 'FAKTORY_PASSWORD';

export interface Changes {
  /** What is in force once the changes are applied. */
  readonly config: Config;
  /** Their new values apply. */
  readonly changed: readonly Changed[];
  /** They differ, and keep their running values. */
  readonly needRestart: readonly OptionKey[];
  /** Why the changes cannot be applied beside the running values that are kept; empty if they can. */
  readonly contradictions: readonly string[];
}

/** What applying `wanted` to `running` comes to. */
export function changesTo(running: Config, wanted: Config): Changes {
  const different = OPTION_KEYS.filter((key) => differs(key, running, wanted));
  const needRestart = different.filter((key) => !OPTIONS[key].reloadable);
  const changed: Changed[] = different.filter((key) => OPTIONS[key].reloadable);
  if (running.server.password !== wanted.server.password) changed.push('FAKTORY_PASSWORD');
  const config = keepingRunning(running, wanted);
  // Without a kept value there is nothing that was not checked when the configuration was read.
  const found = needRestart.length === 0 ? [] : contradictionsIn(config);
  const contradictions = found.map(
    ({ text }) => `${text} A reload keeps the running value of ${needRestart.join(', ')}.`,
  );
  return { config, changed, needRestart, contradictions };
}

/** A reload applies a new password, so only the rest of the URL counts. */
function differs(key: OptionKey, running: Config, wanted: Config): boolean {
  if (key !== 'server.url') return OPTIONS[key].differs(running, wanted);
  const { address, username } = running.server;
  return !isDeepStrictEqual(address, wanted.server.address) || username !== wanted.server.username;
}

/** `wanted`, with the running value of each option that needs a restart. */
function keepingRunning(running: Config, wanted: Config): Config {
  const { address, username } = running.server;
  return {
    ...wanted,
    listen: running.listen,
    server: { ...wanted.server, address, username },
    mode: running.mode,
    keepaliveMs: running.keepaliveMs,
    pool: { ...wanted.pool, commandConnections: running.pool.commandConnections },
    redis: { ...wanted.redis, url: running.redis.url },
    admin: running.admin,
  };
}
