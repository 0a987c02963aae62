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
  const turnsTls = running.server.secure !== wanted.server.secure;
  const applies = (key: OptionKey): boolean =>
    OPTIONS[key].reloadable && !(turnsTls && key.startsWith('server.tls.'));
  const needRestart = different.filter((key) => !applies(key));
  const changed: Changed[] = different.filter(applies);
  if (running.server.password !== wanted.server.password) changed.push('FAKTORY_PASSWORD');
  changed.push(...filesWithOtherContent(running, wanted, different));
  const config = keepingRunning(running, wanted);
  // Without a kept value there is nothing that was not checked when the configuration was read.
  const found = needRestart.length === 0 ? [] : contradictionsIn(config);
  const contradictions = found.map(
    ({ text }) => `${text} A reload keeps the running value of ${needRestart.join(', ')}.`,
  );
  return { config, changed, needRestart, contradictions };
}

/** Options whose path is the same, and whose file holds something else. */
function filesWithOtherContent(
  { listen, server }: Config,
  wanted: Config,
  different: readonly OptionKey[],
): OptionKey[] {
  const found: OptionKey[] = [];
  const isNamed = (section: string): boolean => different.some((key) => key.startsWith(section));
  if (listen.previousPassword !== wanted.listen.previousPassword) {
    found.push('listen.previous_password_file');
  }
  if (!isDeepStrictEqual(listen.tls.loaded, wanted.listen.tls.loaded) && !isNamed('listen.tls.')) {
    found.push('listen.tls.certificate');
  }
  if (!isDeepStrictEqual(server.tls.loaded, wanted.server.tls.loaded) && !isNamed('server.')) {
    found.push('server.tls.certificate');
  }
  return found.filter((key) => !different.includes(key));
}

/** For two options what was written is not what counts. */
function differs(key: OptionKey, running: Config, wanted: Config): boolean {
  switch (key) {
    case 'server.url':
      // A reload applies a new password, so only the rest of the URL counts.
      return !isDeepStrictEqual(restOfUrl(running), restOfUrl(wanted));
    case 'admin.token_file':
      // The file may hold another token, or the variable may.
      return running.admin.token !== wanted.admin.token || OPTIONS[key].differs(running, wanted);
    default:
      return OPTIONS[key].differs(running, wanted);
  }
}

function restOfUrl({ server }: Config): Pick<Config['server'], 'address' | 'username' | 'secure'> {
  const { address, username, secure } = server;
  return { address, username, secure };
}

/** `wanted`, with the running value of each option that needs a restart. */
function keepingRunning(running: Config, wanted: Config): Config {
  const { address, backlog, reusePort } = running.listen;
  return {
    ...wanted,
    listen: { ...wanted.listen, address, backlog, reusePort },
    server: { ...wanted.server, ...restOfUrl(running), tls: tlsToFaktory(running, wanted) },
    processes: running.processes,
    mode: running.mode,
    keepaliveMs: running.keepaliveMs,
    pool: { ...wanted.pool, commandConnections: running.pool.commandConnections },
    sharedLimits: running.sharedLimits,
    redis: { ...wanted.redis, url: running.redis.url },
    admin: running.admin,
    metrics: running.metrics,
    statsd: running.statsd,
  };
}

/** That of the URL that is kept: dials must not turn to TLS, or to plain TCP, without it. */
function tlsToFaktory(running: Config, wanted: Config): Config['server']['tls'] {
  return (running.server.secure === wanted.server.secure ? wanted : running).server.tls;
}
