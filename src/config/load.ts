// From what operators wrote to a Config. Promise: either a complete Config, or every problem at
// once; nothing is read from the process, so what it does depends on its arguments alone.

import { readAdminToken, TOKEN_VARIABLE } from './admin-token.ts';
import type { Config } from './config.ts';
import { contradictionsIn } from './contradictions.ts';
import { readEnvironment } from './environment.ts';
import type { Environment } from './environment.ts';
import { OPTIONS, OPTION_KEYS } from './options.ts';
import type { OptionKey, ValueOf } from './options.ts';
import { readPassword } from './password.ts';
import type { Origin, Problem } from './problems.ts';
import { readYaml } from './yaml-source.ts';
import type { Entry } from './yaml-source.ts';

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
  /** Reads the files that FAKTORY_PASSWORD and admin.token_file name; may throw. */
  readonly readFile: (path: string) => Uint8Array;
}

/** Warnings come with either. */
export type Loaded =
  | { readonly config: Config; readonly warnings: readonly string[] }
  | { readonly problems: readonly Problem[]; readonly warnings: readonly string[] };

/** Reads and checks every source. */
export function loadConfig({ file, environment, flags, readFile }: Sources): Loaded {
  const written = file === null ? { entries: [], problems: [] } : readYaml(file.name, file.text);
  const surroundings = readEnvironment(environment);
  const values = new Values();
  for (const entry of written.entries) values.set(entry);
  for (const entry of surroundings.entries) values.set(entry);
  for (const { flag, key, text } of flags) {
    const value = OPTIONS[key].kind.fromText(text);
    values.set({ key, value, origin: { kind: 'command line', flag } });
  }
  const config = configOf(values);
  const problems = [...written.problems, ...values.problems, ...contradictionsOf(config, values)];
  const secrets = secretsOf(config, { environment, readFile });
  problems.push(...secrets.problems);
  const warnings = [...surroundings.warnings, ...secrets.warnings];
  if (problems.length > 0) return { problems, warnings };
  const { password, token } = secrets;
  return {
    config: {
      ...config,
      server: { ...config.server, password },
      admin: { ...config.admin, token },
    },
    warnings,
  };
}

interface Secrets {
  readonly password: string;
  readonly token: string;
  readonly problems: readonly Problem[];
  readonly warnings: readonly string[];
}

/** What no option holds in plain text: Faktory's password, where its URL has none, and the operator token. */
function secretsOf(
  { server, admin }: Config,
  { environment, readFile }: Pick<Sources, 'environment' | 'readFile'>,
): Secrets {
  const problems: Problem[] = [];
  const variable = (name: string): Origin => ({ kind: 'environment', variable: name });
  const tokenText = environment[TOKEN_VARIABLE];
  const token = readAdminToken(tokenText, admin.tokenFile, readFile);
  if ('refused' in token) {
    const isInFile = tokenText === undefined || tokenText === '';
    const text = isInFile ? `Cannot use admin.token_file: ${token.refused}` : token.refused;
    const origin: Origin = isInFile ? { kind: 'default' } : variable(TOKEN_VARIABLE);
    problems.push({ origin, text });
  }
  const password =
    server.password === ''
      ? readPassword(environment['FAKTORY_PASSWORD'], readFile)
      : { password: server.password, warning: null };
  if ('refused' in password) {
    problems.push({ origin: variable('FAKTORY_PASSWORD'), text: password.refused });
  }
  const warning = 'warning' in password ? password.warning : null;
  return {
    password: 'password' in password ? password.password : '',
    token: 'token' in token ? token.token : '',
    problems,
    warnings: warning === null ? [] : [warning],
  };
}

/** The values of all options so far, and where each was written. */
class Values {
  readonly problems: Problem[] = [];
  readonly #values = new Map<OptionKey, unknown>();
  readonly #origins = new Map<OptionKey, Origin>();
  readonly #refused = new Set<OptionKey>();

  constructor() {
    for (const key of OPTION_KEYS) {
      this.set({ key, value: OPTIONS[key].fallback, origin: { kind: 'default' } });
    }
  }

  /** A refused value leaves the last one in place, so that the others can still be checked. */
  set({ key, value, origin }: Entry): void {
    const read = OPTIONS[key].kind.schema.safeParse(value);
    if (read.success) {
      this.#values.set(key, read.data);
      this.#origins.set(key, origin);
    } else {
      this.#refused.add(key);
      const why = read.error.issues[0]?.message ?? 'it is not allowed';
      this.problems.push({ origin, text: `Cannot use ${key}: ${why}` });
    }
  }

  /** The one place that trusts the table: a key's schema gave the value. */
  get<K extends OptionKey>(key: K): ValueOf<K> {
    return this.#values.get(key) as ValueOf<K>;
  }

  isRefused(key: OptionKey): boolean {
    return this.#refused.has(key);
  }

  originOf(key: OptionKey): Origin {
    return this.#origins.get(key) ?? { kind: 'default' };
  }
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

function configOf(values: Values): Config {
  const { address, username, password } = values.get('server.url');
  return {
    listen: {
      address: values.get('listen.address'),
      backlog: values.get('listen.backlog'),
      reusePort: values.get('listen.reuse_port'),
    },
    server: {
      address,
      username,
      password,
      bindAddress: values.get('server.bind_address'),
      sourcePorts: values.get('server.source_ports'),
      connectTimeoutMs: values.get('server.connect_timeout'),
      infoIntervalMs: values.get('server.info_interval'),
    },
    mode: values.get('mode'),
    limits: {
      clients: values.get('limits.clients'),
      handshakes: values.get('limits.handshakes'),
      serverConnections: values.get('limits.server_connections'),
      producerReserve: values.get('limits.producer_reserve'),
      fetchesInFlight: values.get('limits.fetches_in_flight'),
      commandsInFlight: values.get('limits.commands_in_flight'),
      perWorker: values.get('limits.per_worker'),
      perAddress: values.get('limits.per_address'),
      idleTimeoutMs: values.get('limits.idle_timeout'),
      bufferedBytes: values.get('limits.buffered_bytes'),
      evict: values.get('limits.evict'),
    },
    waitingLine: {
      size: values.get('waiting_line.size'),
      timeoutMs: values.get('waiting_line.timeout'),
    },
    refusalDelayMs: values.get('refusal_delay'),
    handshakeTimeoutMs: values.get('handshake_timeout'),
    maxCommandBytes: values.get('max_command_bytes'),
    keepaliveMs: values.get('keepalive'),
    writeStallTimeoutMs: values.get('write_stall_timeout'),
    drainTimeoutMs: values.get('drain_timeout'),
    drainDelayMs: values.get('drain_delay'),
    observeOnly: values.get('observe_only'),
    reloadOnChange: values.get('reload_on_change'),
    pool: {
      commandConnections: values.get('pool.command_connections'),
      fetchesPerWorker: values.get('pool.fetches_per_worker'),
      fetchesPerWorkerMax: values.get('pool.fetches_per_worker_max'),
      bulkPush: values.get('pool.bulk_push'),
      outageWaitMs: values.get('pool.outage_wait'),
      lingerMs: values.get('pool.linger'),
      holdMs: values.get('pool.hold'),
    },
    writes: {
      lateReply: values.get('writes.late_reply'),
      hang: values.get('writes.hang'),
      refused: values.get('writes.refused'),
      probeIntervalMs: values.get('writes.probe_interval'),
    },
    redis: { url: values.get('redis.url'), intervalMs: values.get('redis.interval') },
    admin: {
      address: values.get('admin.address'),
      socketMode: values.get('admin.socket_mode'),
      tokenFile: values.get('admin.token_file'),
      token: '',
    },
    log: { level: values.get('log.level') },
  };
}
