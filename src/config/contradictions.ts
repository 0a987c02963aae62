// Options that are each allowed, but not together. Pure over a Config.

import type { Address, Config } from './config.ts';
import type { OptionKey } from './options.ts';
import { formatAddress } from './units.ts';

/** What is wrong, and the options that it hangs on, the one to change first. */
export interface Contradiction {
  readonly keys: readonly OptionKey[];
  readonly text: string;
}

/** Everything in the Config that cannot work. */
export function contradictionsIn(config: Config): readonly Contradiction[] {
  return [
    reserveTakesAll(config),
    poolOverCap(config),
    commandOverBuffer(config),
    sameAddress(config),
    dialsItself(config),
  ].filter((found) => found !== null);
}

function reserveTakesAll({ limits }: Config): Contradiction | null {
  if (limits.producerReserve < limits.serverConnections) return null;
  return {
    keys: ['limits.producer_reserve', 'limits.server_connections'],
    text: `Cannot keep limits.producer_reserve ${limits.producerReserve} of limits.server_connections ${limits.serverConnections}: no worker would ever get in. Set the reserve to at most ${limits.serverConnections - 1}.`,
  };
}

function poolOverCap({ mode, pool, limits }: Config): Contradiction | null {
  if (mode !== 'pooled' || pool.commandConnections <= limits.serverConnections) return null;
  return {
    keys: ['pool.command_connections', 'limits.server_connections', 'mode'],
    text: `Cannot open pool.command_connections ${pool.commandConnections}: limits.server_connections is ${limits.serverConnections}. Lower the first or raise the second.`,
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

function sameAddress({ listen, admin }: Config): Contradiction | null {
  if (!isSamePlace(listen.address, admin.address)) return null;
  return {
    keys: ['admin.address', 'listen.address'],
    text: `Cannot listen twice on ${formatAddress(listen.address)}: listen.address and admin.address are the same. Change one.`,
  };
}

function dialsItself({ listen, server }: Config): Contradiction | null {
  if (!isSamePlace(listen.address, server.address)) return null;
  return {
    keys: ['server.url', 'listen.address'],
    text: `Cannot use ${formatAddress(server.address)} for both listen.address and server.url: the bouncer would dial itself. Set server.url to Faktory's address.`,
  };
}

function isSamePlace(one: Address, other: Address): boolean {
  return one.port !== 0 && one.port === other.port && one.host === other.host;
}
