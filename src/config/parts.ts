// The configuration of one of several processes. Promise: what is configured holds for all of them together:
// numbers are divided, and what cannot be divided without becoming 0 (no limit) is rounded up.
// limits.server_connections, its reserve and limits.fetches_in_flight stay whole: places are lent. Pure.

import type { Config, PortRange } from './config.ts';

/** What the process `index` (from 0) of `config.processes` runs with. */
export function partOf(config: Config, index: number): Config {
  const { processes, limits, pool, guard, server, statsd } = config;
  /** The parts of all processes add up to the whole, as long as it is not less than their number. */
  const part = (whole: number): number =>
    Math.max(1, Math.floor((whole + processes - 1 - index) / processes));
  /** All the same; 0 stays 0. */
  const up = (whole: number): number => Math.ceil(whole / processes);
  return {
    ...config,
    // The process in front of the others decides when to reload, and what.
    reloadOnChange: false,
    listen: { ...config.listen, reusePort: true },
    limits: {
      ...limits,
      clients: part(limits.clients),
      handshakes: part(limits.handshakes),
      commandsInFlight: part(limits.commandsInFlight),
      adaptiveMin: part(limits.adaptiveMin),
      perWorker: up(limits.perWorker),
      perAddress: up(limits.perAddress),
      bufferedBytes: part(limits.bufferedBytes),
    },
    waitingLine: { ...config.waitingLine, size: up(config.waitingLine.size) },
    pool: {
      ...pool,
      commandConnections: up(pool.commandConnections),
      fetchesPerWorker: up(pool.fetchesPerWorker),
      fetchesPerWorkerMax: up(pool.fetchesPerWorkerMax),
    },
    guard: {
      ...guard,
      workerCommands: up(guard.workerCommands),
      addressCommands: up(guard.addressCommands),
      workerConnections: up(guard.workerConnections),
      addressConnections: up(guard.addressConnections),
    },
    server: {
      ...server,
      sourcePorts:
        server.sourcePorts === null ? null : portsOf(server.sourcePorts, index, processes),
    },
    statsd: { ...statsd, tags: [...statsd.tags, `process:${index}`] },
    log: { ...config.log, connectionsPerSecond: part(config.log.connectionsPerSecond) },
  };
}

/** Ranges that do not overlap: two processes must not leave from one port. */
function portsOf({ first, last }: PortRange, index: number, processes: number): PortRange {
  const size = Math.floor((last - first + 1) / processes);
  return { first: first + index * size, last: first + (index + 1) * size - 1 };
}
