// Options whose values are allowed alone, and not together. Pure over a Config.

import type { Address, Config } from './config.ts';
import type { OptionKey } from './options.ts';
import { partOf } from './parts.ts';
import { formatAddress } from './units.ts';

/** What is wrong, and the options that it hangs on, the one to change first. */
export interface Contradiction {
  readonly keys: readonly OptionKey[];
  readonly text: string;
}

/** Everything in the Config that cannot work. */
export function contradictionsIn(config: Config): readonly Contradiction[] {
  // For one process it has the same limits.
  const smallest = partOf(config, config.processes - 1);
  return [
    reserveTakesAll(config),
    noRoomForClients(config),
    commandOverBuffer(config),
    fetchesOverMax(config),
    sameAddress(config),
    dialsItself(config),
    tooFewPorts(config),
    trustsNobody(config),
    halfTls(config),
    tlsWithoutUrl(config),
    halfOwnCertificate(config),
    replicasUnknown(config),
    guaranteedTooMany(config),
    noRoomInShare(config, smallest),
    sharedWithoutInfo(config),
    ...processesDoNotFit(config, smallest),
  ].filter((found) => found !== null);
}

function reserveTakesAll({ limits }: Config): Contradiction | null {
  if (limits.producerReserve < limits.serverConnections) return null;
  return {
    keys: ['limits.producer_reserve', 'limits.server_connections'],
    text: `Cannot keep limits.producer_reserve ${limits.producerReserve} of limits.server_connections ${limits.serverConnections}: no worker could ever get in. Set the reserve to at most ${limits.serverConnections - 1}.`,
  };
}

/** One server connection is the bouncer's own, in pooled mode some are the command lane's. */
function noRoomForClients({ mode, pool, limits }: Config): Contradiction | null {
  if (mode === 'session') {
    if (limits.serverConnections > 1) return null;
    return {
      keys: ['limits.server_connections', 'mode'],
      text: `Cannot serve clients with limits.server_connections ${limits.serverConnections}: the bouncer needs one for itself. Set it to 2 or more.`,
    };
  }
  if (pool.commandConnections + 2 <= limits.serverConnections) return null;
  return {
    keys: ['pool.command_connections', 'limits.server_connections', 'mode'],
    text: `Cannot serve workers with limits.server_connections ${limits.serverConnections}: pool.command_connections takes ${pool.commandConnections}, the bouncer itself 1, and a worker needs 1. Lower pool.command_connections or raise limits.server_connections.`,
  };
}

/** Reading pauses past the buffer, so the end of such a command would never be read. */
function commandOverBuffer({ maxCommandBytes, limits }: Config): Contradiction | null {
  if (maxCommandBytes <= limits.bufferedBytes) return null;
  return {
    keys: ['limits.buffered_bytes', 'max_command_bytes'],
    text: `Cannot read a command of max_command_bytes ${maxCommandBytes} B: limits.buffered_bytes is ${limits.bufferedBytes} B. Raise limits.buffered_bytes or lower max_command_bytes.`,
  };
}

function fetchesOverMax({ pool }: Config): Contradiction | null {
  if (pool.fetchesPerWorker <= pool.fetchesPerWorkerMax) return null;
  return {
    keys: ['pool.fetches_per_worker_max', 'pool.fetches_per_worker'],
    text: `Cannot have pool.fetches_per_worker ${pool.fetchesPerWorker} with pool.fetches_per_worker_max ${pool.fetchesPerWorkerMax}. Raise the maximum or lower pool.fetches_per_worker.`,
  };
}

function sameAddress({ listen, admin }: Config): Contradiction | null {
  if ('path' in admin.address || !isSamePlace(listen.address, admin.address)) return null;
  return {
    keys: ['admin.address', 'listen.address'],
    text: `Cannot listen twice on ${formatAddress(listen.address)}: listen.address and admin.address are the same. Change one of them.`,
  };
}

function dialsItself({ listen, server }: Config): Contradiction | null {
  if (!isSamePlace(listen.address, server.address)) return null;
  return {
    keys: ['server.url', 'listen.address'],
    text: `Cannot use ${formatAddress(server.address)} for both listen.address and server.url: the bouncer would dial itself. Set server.url to Faktory's address.`,
  };
}

/** Each server connection leaves from a port of its own. */
function tooFewPorts({ server, limits }: Config): Contradiction | null {
  if (server.sourcePorts === null) return null;
  const { first, last } = server.sourcePorts;
  const size = last - first + 1;
  if (size >= limits.serverConnections) return null;
  return {
    keys: ['server.source_ports', 'limits.server_connections'],
    text: `Cannot hold limits.server_connections ${limits.serverConnections} with the ${size} ports of server.source_ports. Widen the range or lower the limit.`,
  };
}

function trustsNobody({ listen }: Config): Contradiction | null {
  if (listen.proxyProtocol === 'off' || listen.proxyTrusted.length > 0) return null;
  return {
    keys: ['listen.proxy_protocol', 'listen.proxy_trusted'],
    text: `Cannot use listen.proxy_protocol ${listen.proxyProtocol} with an empty listen.proxy_trusted: no header would be believed. List the addresses of the proxies, or set listen.proxy_protocol to off.`,
  };
}

function halfTls({ listen: { tls } }: Config): Contradiction | null {
  if (tls.certificate !== '' && tls.key !== '') return null;
  const others = [
    ['listen.tls.certificate', tls.certificate],
    ['listen.tls.key', tls.key],
    ['listen.tls.client_ca', tls.clientCa],
    ['listen.tls.ticket_key_file', tls.ticketKeyFile],
  ] as const;
  const given = others.find(([, path]) => path !== '');
  if (given === undefined) return null;
  const missing = tls.certificate === '' ? 'listen.tls.certificate' : 'listen.tls.key';
  return {
    keys: [given[0], missing],
    text: `Cannot use ${given[0]} without ${missing}: TLS needs a certificate and its key. Set both, or remove listen.tls.`,
  };
}

function tlsWithoutUrl({ server: { secure, tls } }: Config): Contradiction | null {
  if (secure) return null;
  const given = [
    ['server.tls.ca', tls.ca],
    ['server.tls.server_name', tls.serverName],
    ['server.tls.certificate', tls.certificate],
    ['server.tls.key', tls.key],
  ] as const;
  const key = given.find(([, value]) => value !== '')?.[0];
  if (key === undefined) return null;
  return {
    keys: [key, 'server.url'],
    text: `Cannot use ${key} with a server.url that does not begin with tcp+tls: Faktory would be dialled without TLS. Write tcp+tls:// in server.url, or remove server.tls.`,
  };
}

function halfOwnCertificate({ server: { tls } }: Config): Contradiction | null {
  if ((tls.certificate === '') === (tls.key === '')) return null;
  return {
    keys: ['server.tls.certificate', 'server.tls.key'],
    text: 'Cannot use server.tls.certificate and server.tls.key one without the other: a certificate needs its key. Set both, or neither.',
  };
}

function replicasUnknown({ sharedLimits }: Config): Contradiction | null {
  if (sharedLimits.redisUrl === '' || sharedLimits.replicasExpected > 0) return null;
  return {
    keys: ['shared_limits.replicas_expected', 'shared_limits.redis_url'],
    text: 'Cannot share a limit through shared_limits.redis_url without shared_limits.replicas_expected: it is not known how many bouncers there are. Set it to the most bouncers that run at a time.',
  };
}

/** Each has its own connection to Faktory, and the guaranteed ones. */
function guaranteedTooMany({ sharedLimits, limits }: Config): Contradiction | null {
  const { redisUrl, replicasExpected, guaranteed } = sharedLimits;
  const least = replicasExpected * (guaranteed + 1);
  if (redisUrl === '' || replicasExpected === 0 || least < limits.serverConnections) return null;
  return {
    keys: ['shared_limits.guaranteed', 'limits.server_connections'],
    text: `Cannot guarantee shared_limits.guaranteed ${guaranteed} and 1 connection of its own to each of ${replicasExpected} bouncers with limits.server_connections ${limits.serverConnections}. Lower shared_limits.guaranteed or raise limits.server_connections.`,
  };
}

/** While clients wait everywhere, a bouncer has no more than its share; each process counts as a bouncer. */
function noRoomInShare(
  { mode, processes, limits, sharedLimits }: Config,
  { pool: { commandConnections } }: Config,
): Contradiction | null {
  const { redisUrl, replicasExpected: replicas } = sharedLimits;
  if (redisUrl === '' || replicas === 0 || mode === 'session') return null;
  const share = Math.floor(limits.serverConnections / replicas);
  if (commandConnections + 2 <= share) return null;
  const where = processes === 1 ? '' : ' in each process';
  return {
    keys: ['pool.command_connections', 'shared_limits.replicas_expected', 'mode'],
    text: `Cannot serve workers with ${share} server connections for each of ${replicas} bouncers: pool.command_connections takes ${commandConnections}${where}, the bouncer itself 1, and a worker needs 1. Lower pool.command_connections or raise limits.server_connections.`,
  };
}

function sharedWithoutInfo({ sharedLimits, server }: Config): Contradiction | null {
  if (sharedLimits.redisUrl === '' || server.infoIntervalMs > 0) return null;
  return {
    keys: ['server.info_interval', 'shared_limits.redis_url'],
    text: "Cannot share a limit with server.info_interval 0s: only Faktory's count shows that the connections of a bouncer are gone. Set server.info_interval to 5s.",
  };
}

/** What each of several processes would have too little of. */
function processesDoNotFit(config: Config, smallest: Config): readonly (Contradiction | null)[] {
  if (config.processes === 1) return [];
  return [
    tooFewConnections(config, smallest),
    bufferTooSmall(config, smallest),
    tooFewPortsEach(config, smallest),
    processesWithoutInfo(config),
    moreProcessesThanReplicas(config),
  ];
}

/** Each has a connection of its own and at least one more, in pooled mode its part of the command lane too. */
function tooFewConnections(
  { processes, limits, mode }: Config,
  part: Config,
): Contradiction | null {
  const each = mode === 'session' ? 2 : part.pool.commandConnections + 2;
  if (processes * each <= limits.serverConnections) return null;
  return {
    keys: ['processes', 'limits.server_connections'],
    text: `Cannot serve clients with processes ${processes} and limits.server_connections ${limits.serverConnections}: each process needs ${each} or more. Lower processes or raise limits.server_connections to ${processes * each}.`,
  };
}

function bufferTooSmall(
  { processes, maxCommandBytes, limits }: Config,
  part: Config,
): Contradiction | null {
  if (maxCommandBytes <= part.limits.bufferedBytes) return null;
  return {
    keys: ['processes', 'limits.buffered_bytes', 'max_command_bytes'],
    text: `Cannot read a command of max_command_bytes ${maxCommandBytes} B: each of ${processes} processes has ${part.limits.bufferedBytes} B of limits.buffered_bytes ${limits.bufferedBytes} B. Raise limits.buffered_bytes or lower max_command_bytes.`,
  };
}

/** Any process may come to hold nearly all connections. */
function tooFewPortsEach({ processes, limits }: Config, { server }: Config): Contradiction | null {
  if (server.sourcePorts === null) return null;
  const size = server.sourcePorts.last - server.sourcePorts.first + 1;
  if (size >= limits.serverConnections) return null;
  return {
    keys: ['server.source_ports', 'processes', 'limits.server_connections'],
    text: `Cannot hold limits.server_connections ${limits.serverConnections} with the ${size} ports of server.source_ports that each of ${processes} processes has. Widen the range or lower processes.`,
  };
}

function processesWithoutInfo({ server }: Config): Contradiction | null {
  if (server.infoIntervalMs > 0) return null;
  return {
    keys: ['server.info_interval', 'processes'],
    text: "Cannot run several processes with server.info_interval 0s: only Faktory's count shows that the connections of a process are gone. Set server.info_interval to 5s.",
  };
}

/** Each process takes part in the shared limit by itself. */
function moreProcessesThanReplicas({ processes, sharedLimits }: Config): Contradiction | null {
  const { redisUrl, replicasExpected } = sharedLimits;
  if (redisUrl === '' || processes <= replicasExpected) return null;
  return {
    keys: ['shared_limits.replicas_expected', 'processes'],
    text: `Cannot run processes ${processes} with shared_limits.replicas_expected ${replicasExpected}: each process counts as one bouncer. Set shared_limits.replicas_expected to the most processes of all bouncers together.`,
  };
}

/** Whether a dial to one address reaches the other, or both cannot be listened on. */
function isSamePlace(one: Address, other: Address): boolean {
  if (one.port === 0 || one.port !== other.port) return false;
  if (hostOf(one) === hostOf(other)) return true;
  return (isWildcard(one) || isWildcard(other)) && isOfThisMachine(one) && isOfThisMachine(other);
}

function hostOf({ host }: Address): string {
  return host === 'localhost' ? '127.0.0.1' : host;
}

function isWildcard({ host }: Address): boolean {
  return host === '0.0.0.0' || host === '::';
}

function isOfThisMachine(address: Address): boolean {
  return isWildcard(address) || address.host === '::1' || hostOf(address).startsWith('127.');
}
