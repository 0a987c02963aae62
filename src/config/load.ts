// From what operators wrote to a Config. Promise: either a complete Config, or every problem at
// once; nothing is read from the process, so what it does depends on its arguments alone.

import type { Config, StatsdTarget } from './config.ts';
import { contradictionsIn } from './contradictions.ts';
import { readEnvironment } from './environment.ts';
import type { Environment } from './environment.ts';
import { OPTIONS, OPTION_KEYS } from './options.ts';
import type { OptionKey, ValueOf } from './options.ts';
import type { Origin, Problem } from './problems.ts';
import { withSecrets } from './secrets.ts';
import { readListenTls, readServerTls, TlsFileError } from './tls-files.ts';
import { readYaml } from './yaml-source.ts';
import { readDatadogTarget } from './statsd-target.ts';
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
  const files = withFiles(unread, values, readFile);
  if ('problem' in files) return { problems: [files.problem], warnings };
  return { config: files.config, warnings };
}

/** Datadog's own variables name the statsd receiver where no option does. */
function withTarget(config: Config, values: Values, target: StatsdTarget | null): Config {
  if (target === null || values.originOf('statsd.url').kind !== 'default') return config;
  return { ...config, statsd: { ...config.statsd, target } };
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

/** The Config with what the files hold that it names. */
function withFiles(
  config: Config,
  values: Values,
  readFile: Sources['readFile'],
): { readonly config: Config } | { readonly problem: Problem } {
  const { listen, server } = config;
  try {
    const withClients = { ...listen.tls, loaded: readListenTls(listen, readFile) };
    const withFaktory = { ...server.tls, loaded: readServerTls(server, readFile) };
    return {
      config: {
        ...config,
        listen: { ...listen, tls: withClients },
        server: { ...server, tls: withFaktory },
      },
    };
  } catch (error) {
    if (!(error instanceof TlsFileError)) throw error;
    return { problem: { origin: values.originOf(error.key), text: `${error.message}.` } };
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
  const { address, secure, username, password } = values.get('server.url');
  return {
    listen: {
      address: values.get('listen.address'),
      backlog: values.get('listen.backlog'),
      reusePort: values.get('listen.reuse_port'),
      allow: values.get('listen.allow'),
      deny: values.get('listen.deny'),
      previousPasswordFile: values.get('listen.previous_password_file'),
      previousPassword: '',
      proxyProtocol: values.get('listen.proxy_protocol'),
      proxyTrusted: values.get('listen.proxy_trusted'),
      tls: {
        certificate: values.get('listen.tls.certificate'),
        key: values.get('listen.tls.key'),
        clientCa: values.get('listen.tls.client_ca'),
        minVersion: values.get('listen.tls.min_version'),
        ticketKeyFile: values.get('listen.tls.ticket_key_file'),
        loaded: null,
      },
    },
    server: {
      address,
      username,
      password,
      bindAddress: values.get('server.bind_address'),
      sourcePorts: values.get('server.source_ports'),
      connectTimeoutMs: values.get('server.connect_timeout'),
      answerTimeoutMs: values.get('server.answer_timeout'),
      infoIntervalMs: values.get('server.info_interval'),
      secure,
      tls: {
        ca: values.get('server.tls.ca'),
        serverName: values.get('server.tls.server_name'),
        certificate: values.get('server.tls.certificate'),
        key: values.get('server.tls.key'),
        loaded: null,
      },
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
    guard: {
      bareVerb: values.get('guard.bare_verb'),
      queueArguments: values.get('guard.queue_arguments'),
      reservedQueue: values.get('guard.reserved_queue'),
      flush: values.get('guard.flush'),
      mutate: values.get('guard.mutate'),
      queueRemove: values.get('guard.queue_remove'),
      trustedAddresses: values.get('guard.trusted_addresses'),
      trustedUsernames: values.get('guard.trusted_usernames'),
      payloadSize: values.get('guard.payload_size'),
      payloadBytes: values.get('guard.payload_bytes'),
      commandRate: values.get('guard.command_rate'),
      workerCommands: values.get('guard.worker_commands'),
      addressCommands: values.get('guard.address_commands'),
      connectionRate: values.get('guard.connection_rate'),
      workerConnections: values.get('guard.worker_connections'),
      addressConnections: values.get('guard.address_connections'),
    },
    redis: { url: values.get('redis.url'), intervalMs: values.get('redis.interval') },
    admin: {
      address: values.get('admin.address'),
      socketMode: values.get('admin.socket_mode'),
      tokenFile: values.get('admin.token_file'),
      token: '',
    },
    metrics: { jobs: values.get('metrics.jobs'), jobsMax: values.get('metrics.jobs_max') },
    statsd: {
      target: values.get('statsd.url'),
      intervalMs: values.get('statsd.interval'),
      prefix: values.get('statsd.prefix'),
      tags: values.get('statsd.tags'),
      legacyNames: values.get('statsd.legacy_names'),
      legacyPrefix: values.get('statsd.legacy_prefix'),
    },
    log: {
      level: values.get('log.level'),
      connections: values.get('log.connections'),
      connectionsSample: values.get('log.connections_sample'),
      connectionsPerSecond: values.get('log.connections_per_second'),
    },
  };
}
