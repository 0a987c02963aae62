// Kinds of places on a network: addresses, ports, hosts, URLs. Promise: what a URL holds of a password is
// never shown.

import { isIP } from 'node:net';
import { z } from 'zod';
import type { Address, PortRange, SocketPath } from './config.ts';
import { type Kind, parsedText, refusal } from './kind.ts';
import {
  formatAddress,
  formatPlace,
  formatPortRange,
  parseAddress,
  parsePortRange,
} from './units.ts';
import {
  formatRedisUrl,
  formatServerUrl,
  parseServerUrl,
  refuseRedisUrl,
  type ServerUrl,
} from './urls.ts';

/** Where to listen; port 0 lets the system pick one. */
export function address(): Kind<Address> {
  const error = refusal(
    'allowed is host:port or "[IPv6]:port" (with quotes in YAML), port 0 to 65535; 0.0.0.0 means all IPv4 addresses',
  );
  return {
    type: 'address',
    range: '`host:port`, `"[::1]:port"`; port 0: the system picks one',
    schema: parsedText<Address>(
      error,
      (text) => parseAddress(text) ?? { refused: error({ input: text }) },
    ),
    fromText: (text) => text,
    format: formatAddress,
  };
}

/** Linux takes no longer path for a socket. */
const SOCKET_PATH_BYTES_MAX = 107;

/** Where to listen: an address as above, or the absolute path of a Unix socket. */
export function addressOrPath(): Kind<Address | SocketPath> {
  const error = refusal(
    `allowed is host:port, "[IPv6]:port" (with quotes in YAML), or the absolute path of a Unix socket, up to ${SOCKET_PATH_BYTES_MAX} bytes`,
  );
  return {
    type: 'address',
    range: '`host:port`, `"[::1]:port"`, path of a socket; port 0: the system picks one',
    schema: parsedText<Address | SocketPath>(error, (text) => {
      const place = text.startsWith('/') ? socketPath(text) : parseAddress(text);
      return place ?? { refused: error({ input: text }) };
    }),
    fromText: (text) => text,
    format: formatPlace,
  };
}

function socketPath(path: string): SocketPath | null {
  const isUsable = Buffer.byteLength(path) <= SOCKET_PATH_BYTES_MAX && !/[\0/]$/.test(path);
  return isUsable ? { path } : null;
}

/** An IP address without a port; empty for none. */
export function ipAddress(): Kind<string> {
  const error = refusal("allowed is an IPv4 or IPv6 address, without brackets and port, or ''");
  return {
    type: 'IP address',
    range: 'empty, `10.0.0.5`, `"fd00::5"`',
    schema: z.string({ error }).refine((text) => text === '' || isIP(text) !== 0, { error }),
    fromText: (text) => text,
    format: (value) => value,
  };
}

/** A host name or an IP address; empty for none. */
export function hostName(): Kind<string> {
  const error = refusal("allowed is a host name or an IP address, or ''");
  return {
    type: 'host name',
    range: 'empty, `faktory.example.com`',
    schema: z.string({ error }).regex(/^[A-Za-z0-9.:_-]{0,253}$/, { error }),
    fromText: (text) => text,
    format: (value) => value,
  };
}

/** Ports from the first to the last; empty for none. */
export function portRange(): Kind<PortRange | null> {
  const error = refusal(
    "allowed is a range of ports within 1 to 65535, such as 40000-49999, or ''",
  );
  return {
    type: 'port range',
    range: 'empty, `40000-49999`',
    schema: parsedText<PortRange | null>(error, (text) =>
      text === '' ? null : (parsePortRange(text) ?? { refused: error({ input: text }) }),
    ),
    fromText: (text) => text,
    format: formatPortRange,
  };
}

/** Faktory's URL, which may hold a password. */
export function serverUrl(): Kind<ServerUrl> {
  return {
    type: 'URL',
    range: '`tcp://[[user]:password@]host:port`, `tcp+tls://…`',
    schema: parsedText('found no text; write tcp://host:port', parseServerUrl),
    fromText: (text) => text,
    format: formatServerUrl,
  };
}

/** What stands in a Redis key and needs no quotes anywhere. */
export function redisKey(): Kind<string> {
  return {
    type: 'text',
    range: 'letters, digits, `.`, `_`, `-`, `:`; at most 100',
    schema: z.string({ error: 'found no text; write a name' }).regex(/^[\w.:-]{1,100}$/, {
      error: 'found something other than 1 to 100 letters, digits, dots, colons, - and _',
    }),
    fromText: (text) => text,
    format: (text) => text,
  };
}

/** Redis's URL, which may hold a password; empty for none. */
export function redisUrl(): Kind<string> {
  return {
    type: 'URL',
    range: 'empty, `redis://…`, `rediss://…`, path of a socket',
    schema: parsedText(
      "found no text; write redis://host:port, or '' for none",
      (text) => refuseRedisUrl(text) ?? text,
    ),
    fromText: (text) => text,
    format: formatRedisUrl,
  };
}
